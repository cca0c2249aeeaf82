// SPDX-License-Identifier: Apache-2.0
// net/relay alone, in the shape of egress, for bench/egress.py: TCP -> Unix socket, and in a second process Unix socket -> TCP.
//   bench_relay near TCP-PORT UNIX-PATH    bench_relay far UNIX-PATH ADDRESS TCP-PORT
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "base/limits.h"
#include "net/event_loop.h"
#include "net/relay.h"
#include "net/tcp.h"
#include "net/unix.h"

namespace {

using namespace cages;

struct Ends {
  std::string path;
  std::string address;
  std::uint16_t port = 0;
  bool near = false;
};

Task<void> carry(net::EventLoop& loop, const Ends& ends, net::StreamPtr from) {
  auto to = ends.near ? co_await net::dial_unix(loop, ends.path) : co_await net::dial_tcp(loop, ends.address, ends.port);
  if (!to) co_return;
  net::Relayed counts;
  static_cast<void>(co_await net::relay(loop.timers(), *from, **to, limits::kEgressIdleTime, counts));
}

Task<void> serve(net::EventLoop& loop, const Ends& ends) {
  auto listener = ends.near ? net::listen_tcp(loop, "127.0.0.1", ends.port) : net::listen_unix(loop, ends.path);
  if (!listener) co_return;
  for (;;) {
    auto accepted = co_await (*listener)->accept();
    if (accepted) loop.spawn("carry", carry(loop, ends, std::move(accepted->stream)));
  }
}

}  // namespace

int main(int argc, char** argv) {
  Ends ends;
  if (argc == 4 && std::string_view(argv[1]) == "near") {
    ends = {argv[3], "", static_cast<std::uint16_t>(std::atoi(argv[2])), true};
  } else if (argc == 5 && std::string_view(argv[1]) == "far") {
    ends = {argv[2], argv[3], static_cast<std::uint16_t>(std::atoi(argv[4])), false};
  } else {
    std::cerr << "usage: bench_relay near PORT PATH | far PATH ADDRESS PORT\n";
    return 2;
  }
  net::EventLoop loop;
  loop.run(serve(loop, ends));
  return 0;
}
