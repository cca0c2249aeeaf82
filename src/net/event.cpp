// SPDX-License-Identifier: Apache-2.0
#include "net/event.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace cages::net {
namespace asio = boost::asio;

// A timer that never expires: cancelling it is how Asio wakes one coroutine. Linked while it waits.
struct Event::Waiter {
  Waiter(Event& e, const asio::any_io_executor& executor)
      : event(e), timer(executor, asio::steady_timer::time_point::max()), next(e.first_) {
    if (next != nullptr) next->previous = this;
    event.first_ = this;
  }
  ~Waiter() { unlink(); }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  void unlink() {
    if (!linked) return;
    linked = false;
    (previous != nullptr ? previous->next : event.first_) = next;
    if (next != nullptr) next->previous = previous;
  }
  Event& event;
  asio::steady_timer timer;
  Waiter* next;
  Waiter* previous = nullptr;
  bool linked = true;
};

Event::Event() = default;

Event::~Event() {
  while (first_ != nullptr) first_->unlink();
}

Task<void> Event::wait() {
  Waiter waiter(*this, co_await asio::this_coro::executor);
  co_await waiter.timer.async_wait(asio::as_tuple(asio::use_awaitable));
}

void Event::notify() {
  while (first_ != nullptr) {
    Waiter* waiter = first_;
    waiter->unlink();
    waiter->timer.cancel();
  }
}

void Slots::Slot::release() {
  if (owner_ == nullptr) return;
  --owner_->taken_;
  owner_->freed_.notify();
  owner_ = nullptr;
}

std::optional<Slots::Slot> Slots::try_take() {
  if (taken_ == max_) return std::nullopt;
  ++taken_;
  return Slot(this);
}

Task<Slots::Slot> Slots::take() {
  for (;;) {
    if (auto slot = try_take()) co_return std::move(*slot);
    co_await freed_.wait();
  }
}

}  // namespace cages::net
