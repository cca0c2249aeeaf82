// SPDX-License-Identifier: Apache-2.0
// Alarm: calls an action once after a time, unless it is gone before. For waits that something else may end first; the
// action may refer to what lives as long as the alarm, also where the wait is cancelled. lifetime: the timers outlive
// it.
#pragma once

#include <functional>
#include <optional>

#include "net/timers.h"

namespace cages::net {

class Alarm {
 public:
  Alarm(Timers& timers, Nanoseconds time, std::function<void()> action) : timers_(timers), action_(std::move(action)) {
    entry_ = timers_.call_after(time, [this] {
      entry_.reset();
      rang_ = true;
      action_();
    });
  }
  ~Alarm() {
    if (entry_) timers_.cancel(*entry_);
  }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;
  [[nodiscard]] bool rang() const { return rang_; }

 private:
  Timers& timers_;
  std::function<void()> action_;
  std::optional<Timers::Queue::iterator> entry_;
  bool rang_ = false;
};

}  // namespace cages::net
