// SPDX-License-Identifier: Apache-2.0
// Timers: waiting for a moment, in real time or by a clock that a test turns. For whoever sleeps or sets a deadline.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/task.h"

namespace boost::asio {
class io_context;
}

namespace cages::net {

class Timers {
 public:
  // Real time where `context` is given; else advance() fires.
  Timers(const Clock& clock, boost::asio::io_context* context);
  ~Timers();
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;

  [[nodiscard]] Nanoseconds now() const { return clock_.monotonic(); }
  // sleep returns after `time` at the earliest.
  Task<void> sleep(Nanoseconds time);

  using Queue = std::multimap<Nanoseconds, std::function<void()>>;
  // call_after calls `action` once, after `time`, from the loop. cancel forgets it; never after it was called.
  Queue::iterator call_after(Nanoseconds time, std::function<void()> action);
  void cancel(Queue::iterator entry);

  // next returns when the earliest timer is due. fire_due calls all that are due.
  [[nodiscard]] std::optional<Nanoseconds> next() const;
  void fire_due();

 private:
  void arm();

  const Clock& clock_;
  Queue queue_;
  struct Alarm;
  std::unique_ptr<Alarm> alarm_;
};

}  // namespace cages::net
