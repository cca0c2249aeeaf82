// SPDX-License-Identifier: Apache-2.0
#include "net/resolve.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "net/tcp.h"

namespace cages::net {
namespace asio = boost::asio;
using asio::experimental::awaitable_operators::operator||;
namespace {

Task<Result<std::vector<std::string>>> ask(EventLoop& loop, const std::string& host) {
  asio::ip::tcp::resolver resolver(loop.context());
  auto [error, entries] = co_await resolver.async_resolve(host, "0", asio::as_tuple(asio::use_awaitable));
  if (error) co_return fail(Code::UNREACHABLE, printable(host), "", error.message());
  std::vector<std::string> addresses;
  for (const auto& entry : entries) addresses.push_back(entry.endpoint().address().to_string());
  if (addresses.empty()) co_return fail(Code::UNREACHABLE, printable(host), "an address", "none");
  co_return addresses;
}

Task<Result<StreamPtr>> try_each(EventLoop& loop, const std::string& host, std::uint16_t port, Nanoseconds time) {
  CO_TRY_ASSIGN(const std::vector<std::string> addresses, co_await resolve(loop, host, time));
  Error last(Code::UNREACHABLE, printable(host));
  for (const std::string& address : addresses) {
    auto stream = co_await dial_tcp(loop, address, port);
    if (stream) co_return stream;
    last = std::move(stream).error();
  }
  co_return fail(std::move(last));
}

template <class T>
Task<Result<T>> within(EventLoop& loop, Task<Result<T>> task, const std::string& host, Nanoseconds time) {
  auto first = co_await (std::move(task) || loop.timers().sleep(time));
  if (first.index() == 0) co_return std::get<0>(std::move(first));
  co_return fail(Code::TIMEOUT, printable(host));
}

}  // namespace

Task<Result<std::vector<std::string>>> resolve(EventLoop& loop, std::string host, Nanoseconds time) {
  if (tcp_address(host, 0)) co_return std::vector<std::string>{host};
  co_return co_await within(loop, ask(loop, host), host, time);
}

Task<Result<StreamPtr>> dial_host(EventLoop& loop, std::string host, std::uint16_t port, Nanoseconds time) {
  co_return co_await within(loop, try_each(loop, host, port, time), host, time);
}

}  // namespace cages::net
