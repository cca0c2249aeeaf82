// SPDX-License-Identifier: Apache-2.0
// Peers of a TLS session that are not whom their certificates have to name.
#include "attacks/attack.h"
#include "net/event_loop.h"
#include "net/memory.h"
#include "support/pki.h"
#include "tls/client.h"
#include "tls/server.h"

namespace cages::attacks {
namespace {

using namespace std::chrono_literals;

// A client that trusts one authority dials "cage.localhost".
struct Handshake {
  ManualClock clock;
  net::EventLoop loop{clock};
  test::Issued ca = test::authority("CA", clock.wall());
  test::Issued other_ca = test::authority("CA", clock.wall());

  Task<void> run(const tls::Server& server, const tls::Client& client, Result<tls::TlsStreamPtr>& at_client,
                 Result<tls::TlsStreamPtr>& at_server) {
    auto [near, far] = net::memory_pair();
    auto serve = [&](net::StreamPtr stream) -> Task<void> {
      at_server = co_await server.accept(loop.timers(), std::move(stream));
    };
    auto dial = [&](net::StreamPtr stream) -> Task<void> {
      at_client = co_await client.connect(loop.timers(), std::move(stream), "cage.localhost");
    };
    co_await net::together(serve(std::move(far)), dial(std::move(near)));
  }

  struct Ends {
    std::string client;
    std::string server;
  };
  Ends meet(tls::ServerSettings on_server, std::optional<tls::Identity> shown_by_client = {}) {
    Result<tls::TlsStreamPtr> at_client = fail(Code::INTERNAL);
    Result<tls::TlsStreamPtr> at_server = fail(Code::INTERNAL);
    const auto server = tls::Server::make(std::move(on_server), clock).value();
    const auto client = tls::Client::make({.roots = {.system = false, .pem = ca.certificate.pem()},
                                           .alpn = {},
                                           .identity = std::move(shown_by_client),
                                           .server_check = {}},
                                          clock)
                            .value();
    loop.run(run(*server, *client, at_client, at_server));
    return {class_of(at_client), class_of(at_server)};
  }
  tls::ServerSettings server(const test::Issued& leaf) {
    return {.identity = test::identity(leaf), .alpn = {}, .client_roots = {}, .client_check = {}};
  }
};

std::string server_of_another_authority() {
  Handshake handshake;
  return handshake.meet(handshake.server(test::leaf(handshake.other_ca, "CA", {"cage.localhost"}, handshake.clock.wall()))).client;
}

std::string expired_server() {
  Handshake handshake;
  const test::Issued leaf = test::leaf(handshake.ca, "CA", {"cage.localhost"}, handshake.clock.wall());
  handshake.clock.advance(25h);
  return handshake.meet(handshake.server(leaf)).client;
}

std::string server_of_another_name() {
  Handshake handshake;
  return handshake.meet(handshake.server(test::leaf(handshake.ca, "CA", {"other.localhost"}, handshake.clock.wall()))).client;
}

std::string client_of_another_authority() {
  Handshake handshake;
  const WallTime now = handshake.clock.wall();
  tls::ServerSettings settings = handshake.server(test::leaf(handshake.ca, "CA", {"cage.localhost"}, now));
  settings.clients = tls::ClientCertificates::required;
  settings.client_roots = {.system = false, .pem = handshake.ca.certificate.pem()};
  return handshake.meet(std::move(settings), test::identity(test::leaf(handshake.other_ca, "CA", {"host"}, now))).server;
}

std::vector<Attack> peers() {
  return {{"server_of_another_authority", "TLS_CERTIFICATE", server_of_another_authority},
          {"expired_server", "TLS_CERTIFICATE", expired_server},
          {"server_of_another_name", "TLS_NAME", server_of_another_name},
          {"client_of_another_authority", "TLS_CERTIFICATE", client_of_another_authority}};
}

TEST_P(Attempt, IsRefusedByOneCheck) { EXPECT_EQ(GetParam().attempt(), GetParam().refused_as); }
INSTANTIATE_TEST_SUITE_P(Peer, Attempt, testing::ValuesIn(peers()), attack_name);

}  // namespace
}  // namespace cages::attacks
