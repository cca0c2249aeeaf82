// SPDX-License-Identifier: Apache-2.0
// Deadline: while it lives, a stream that is not done in time is closed, so that whatever waits on it returns TIMEOUT.
// For every wait on another side. lifetime: the stream and the timers outlive it.
#pragma once

#include <optional>

#include "net/stream.h"
#include "net/timers.h"

namespace cages::net {

class Deadline {
 public:
  Deadline(Timers& timers, Stream& stream, Nanoseconds time) : timers_(timers), stream_(stream) { set(time); }
  ~Deadline() { clear(); }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  // set begins anew: `time` from now. Nothing where it has expired.
  void set(Nanoseconds time) {
    if (expired_) return;
    clear();
    entry_ = timers_.call_after(time, [this] {
      entry_.reset();
      expired_ = true;
      stream_.close(Code::TIMEOUT);
    });
  }
  // clear forgets it; what was closed stays closed.
  void clear() {
    if (entry_) timers_.cancel(*entry_);
    entry_.reset();
  }
  [[nodiscard]] bool expired() const { return expired_; }

 private:
  Timers& timers_;
  Stream& stream_;
  std::optional<Timers::Queue::iterator> entry_;
  bool expired_ = false;
};

}  // namespace cages::net
