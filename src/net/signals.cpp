// SPDX-License-Identifier: Apache-2.0
#include "net/signals.h"

#include <signal.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace cages::net {

namespace {

void mask(int how, std::initializer_list<int> numbers) {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : numbers) sigaddset(&set, number);
  pthread_sigmask(how, &set, nullptr);
}

}  // namespace

void hold_signals(std::initializer_list<int> numbers) { mask(SIG_BLOCK, numbers); }

struct Signals::Set {
  explicit Set(boost::asio::io_context& context) : signals(context) {}
  boost::asio::signal_set signals;
};

Signals::Signals(EventLoop& loop, std::initializer_list<int> numbers) : set_(std::make_unique<Set>(loop.context())) {
  for (const int number : numbers) set_->signals.add(number);
  mask(SIG_UNBLOCK, numbers);
}

Signals::~Signals() = default;

Task<int> Signals::next() { co_return co_await set_->signals.async_wait(boost::asio::use_awaitable); }

}  // namespace cages::net
