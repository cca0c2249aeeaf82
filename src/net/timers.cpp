// SPDX-License-Identifier: Apache-2.0
#include "net/timers.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "net/event.h"

namespace cages::net {

struct Timers::Alarm {
  explicit Alarm(boost::asio::io_context& context) : timer(context) {}
  boost::asio::steady_timer timer;
  std::optional<Nanoseconds> due;  // when it is set for
};

Timers::Timers(const Clock& clock, boost::asio::io_context* context)
    : clock_(clock), alarm_(context != nullptr ? std::make_unique<Alarm>(*context) : nullptr) {}

Timers::~Timers() = default;

Task<void> Timers::sleep(Nanoseconds time) {
  struct Entry {
    Timers& timers;
    Event event;
    bool fired = false;
    Queue::iterator position;
    Entry(Timers& t, Nanoseconds in) : timers(t) {
      position = timers.call_after(in, [this] {
        fired = true;
        event.notify();
      });
    }
    ~Entry() {
      if (!fired) timers.cancel(position);
    }
  } entry(*this, time);
  while (!entry.fired) co_await entry.event.wait();
}

Timers::Queue::iterator Timers::call_after(Nanoseconds time, std::function<void()> action) {
  const auto entry = queue_.emplace(now() + time, std::move(action));
  arm();
  return entry;
}

// The alarm stays set: it wakes once in vain at the most, which is cheaper than setting it for each deadline that is
// met.
void Timers::cancel(Queue::iterator entry) { queue_.erase(entry); }

std::optional<Nanoseconds> Timers::next() const {
  if (queue_.empty()) return std::nullopt;
  return queue_.begin()->first;
}

void Timers::fire_due() {
  const Nanoseconds moment = now();
  while (!queue_.empty() && queue_.begin()->first <= moment) {
    auto entry = queue_.extract(queue_.begin());
    entry.mapped()();
  }
}

void Timers::arm() {
  if (!alarm_ || queue_.empty()) return;
  const Nanoseconds due = queue_.begin()->first;
  if (alarm_->due && *alarm_->due <= due) return;
  alarm_->due = due;
  alarm_->timer.expires_after(due - now());
  alarm_->timer.async_wait([this](const boost::system::error_code& error) {
    if (error) return;  // set anew, or the loop ends
    alarm_->due.reset();
    fire_due();
    arm();
  });
}

}  // namespace cages::net
