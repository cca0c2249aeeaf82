// SPDX-License-Identifier: Apache-2.0
// cage-host's link over TCP, and a caged that only listens.
#include <gtest/gtest.h>

#include "host/broker/link.h"
#include "net/frame.h"
#include "net/tcp.h"
#include "support/platform.h"
#include "tls/server.h"

namespace cages::flows {
namespace {

// Reads what a host sends in its session until `wanted` signs of life came.
Task<Result<int>> hear(net::EventLoop& loop, net::Listener& listener, const tls::Server& server, int wanted) {
  CO_TRY_ASSIGN(net::Accepted accepted, co_await listener.accept());
  CO_TRY_ASSIGN(const tls::TlsStreamPtr stream, co_await server.accept(loop.timers(), std::move(accepted.stream)));
  CO_TRY_ASSIGN(const Bytes opening, co_await net::read_frame(*stream));
  CO_TRY(wire::parse_host_opening(opening));
  CO_TRY(co_await stream->write_all(wire::write_host_link(wire::HostLinkDown(wire::Assignments{}))));
  int heard = 0;
  while (heard < wanted) {
    CO_TRY_ASSIGN(const Bytes frame, co_await net::read_frame(*stream));
    CO_TRY_ASSIGN(const wire::HostSessionUp message, wire::parse_host_session_up(frame));
    if (std::holds_alternative<wire::HostAlive>(message)) ++heard;
    CO_TRY(co_await stream->write_all(wire::write_host_link(wire::HostLinkDown(wire::Accepted{}))));
  }
  co_return heard;
}

TEST(LinkFlow, SaysThatItLivesAndTakesTheAnswer) {
  test::TestPlatform platform;
  net::EventLoop loop;
  crypto::SystemRandom random;
  const WallTime now = loop.clock().wall();
  const auto root = crypto::make_authority("hosts", crypto::Curve::p256, 0, now, std::chrono::hours(1), random).value();
  const auto key = crypto::PrivateKey::generate(crypto::Curve::p256).value();
  const auto leaf =
      crypto::certify_server(root, wire::kHostLinkName, key.public_key(), now, std::chrono::hours(1), random).value();
  const std::vector<Bytes> chain{leaf.der(), root.certificate.der()};
  const auto server = tls::Server::make({.identity = tls::Identity::make(chain, key).value(), .alpn = {}, .client_roots = {},
                                         .client_check = {}}, loop.clock()).value();
  const net::ListenerPtr listener = net::listen_tcp(loop, "127.0.0.1", 0).value();
  host::LinkSettings settings;
  settings.address = "127.0.0.1";
  settings.port = static_cast<std::uint16_t>(listener->port());
  settings.roots = {crypto::key_hash(root.certificate.public_key())};
  settings.alive_time = std::chrono::milliseconds(1);
  const auto link = host::Link::make(loop, std::move(settings)).value();
  int sessions = 0;
  loop.spawn("link", link->run_session([&](const wire::Assignments&) { ++sessions; }));
  const auto heard = loop.run(hear(loop, *listener, *server, 3)).value();
  ASSERT_TRUE(heard) << describe(heard.error());
  EXPECT_EQ(*heard, 3);
  EXPECT_EQ(sessions, 1);
}

}  // namespace
}  // namespace cages::flows
