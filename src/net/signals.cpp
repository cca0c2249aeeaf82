// SPDX-License-Identifier: Apache-2.0
#include "net/signals.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace cages::net {

struct Signals::Set {
  explicit Set(boost::asio::io_context& context) : signals(context) {}
  boost::asio::signal_set signals;
};

Signals::Signals(EventLoop& loop, std::initializer_list<int> numbers) : set_(std::make_unique<Set>(loop.context())) {
  for (const int number : numbers) set_->signals.add(number);
}

Signals::~Signals() = default;

Task<int> Signals::next() { co_return co_await set_->signals.async_wait(boost::asio::use_awaitable); }

}  // namespace cages::net
