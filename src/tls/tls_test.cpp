// SPDX-License-Identifier: Apache-2.0
// Sessions over memory streams: what is agreed, what is refused, what a hostile carrier can do.
#include <gtest/gtest.h>

#include "net/event_loop.h"
#include "net/memory.h"
#include "support/pki.h"
#include "tls/client.h"
#include "tls/server.h"

namespace cages::tls {
namespace {

using namespace std::chrono_literals;

struct Carrier {
  std::uint64_t seed = 0;  // 0: honest
  net::Hostility hostility;
};

struct Tls : testing::Test {
  ManualClock clock;
  net::EventLoop loop{clock};
  test::Issued ca = test::authority("test CA", clock.wall());
  test::Issued other_ca = test::authority("another CA", clock.wall());
  test::Issued server_leaf = test::leaf(ca, "test CA", {"cage.localhost"}, clock.wall());
  test::Issued client_leaf = test::leaf(ca, "test CA", {"client"}, clock.wall());

  ServerSettings server_settings() const {
    return {.identity = test::identity(server_leaf), .alpn = {}, .client_roots = {}, .client_check = {}};
  }
  ClientSettings client_settings() const {
    return {.roots = {.system = false, .pem = ca.certificate.pem()}, .alpn = {}, .identity = {}, .server_check = {}};
  }

  struct Ends {
    Result<TlsStreamPtr> server = fail(Code::INTERNAL);
    Result<TlsStreamPtr> client = fail(Code::INTERNAL);
  };

  // Runs one handshake to its end on both sides.
  Task<void> meet(const Server& server, const Client& client, Ends& ends, std::string name = "cage.localhost",
                  PeerCheck check = {}, Carrier carrier = {}) {
    auto [near, far] = net::memory_pair();
    if (carrier.seed != 0) {
      near = net::hostile(loop, std::move(near), carrier.seed, carrier.hostility);
      far = net::hostile(loop, std::move(far), carrier.seed + 1, carrier.hostility);
    }
    auto serve = [&](net::StreamPtr stream) -> Task<void> {
      ends.server = co_await server.accept(loop.timers(), std::move(stream));
    };
    auto dial = [&](net::StreamPtr stream) -> Task<void> {
      ends.client = co_await client.connect(loop.timers(), std::move(stream), name, check);
    };
    co_await net::together(serve(std::move(far)), dial(std::move(near)));
  }

  Ends meet_once(ServerSettings on_server, ClientSettings on_client, std::string name = "cage.localhost",
                 PeerCheck check = {}, Carrier carrier = {}) {
    Ends ends;
    const auto server = Server::make(std::move(on_server), clock).value();
    const auto client = Client::make(std::move(on_client), clock).value();
    loop.run(meet(*server, *client, ends, std::move(name), std::move(check), carrier));
    return ends;
  }
};

// What one side writes arrives at the other, and its end with it.
Task<void> say(net::Stream& stream, ByteView bytes) {
  EXPECT_TRUE(co_await stream.write_all(bytes));
  EXPECT_TRUE(co_await stream.shutdown_write());
}
Task<void> hear(net::Stream& stream, ByteView expected) {
  const auto got = co_await net::read_until_end(stream, expected.size());
  EXPECT_TRUE(got && equal(*got, expected)) << (got ? std::to_string(got->size()) : describe(got.error()));
}

TEST_F(Tls, AgreesAndTellsBothSidesTheSame) {
  auto on_server = server_settings();
  on_server.alpn = {"h2", "http/1.1"};
  auto on_client = client_settings();
  on_client.alpn = {"http/1.1", "h2"};
  const Ends ends = meet_once(std::move(on_server), std::move(on_client));
  ASSERT_TRUE(ends.server) << describe(ends.server.error());
  ASSERT_TRUE(ends.client) << describe(ends.client.error());
  EXPECT_EQ((*ends.server)->alpn(), "h2");  // the server's preference
  EXPECT_EQ((*ends.client)->alpn(), "h2");
  EXPECT_EQ((*ends.server)->server_name(), "cage.localhost");
  EXPECT_EQ((*ends.client)->peer_chain(), std::vector<Bytes>{server_leaf.certificate.der()});
  EXPECT_EQ((*ends.client)->peer_spki(), server_leaf.key.public_key().spki());
  EXPECT_TRUE((*ends.server)->peer_chain().empty());
  EXPECT_TRUE((*ends.server)->peer_spki().empty());
}

TEST_F(Tls, ExportsTheSameSecretOnBothSidesAndAnotherForOtherInput) {
  const Ends ends = meet_once(server_settings(), client_settings());
  ASSERT_TRUE(ends.server && ends.client);
  const auto one = (*ends.server)->exporter("EXPERIMENTAL-cage-session/1", as_bytes("nonce"), 32).value();
  EXPECT_EQ(one.size(), 32U);
  EXPECT_EQ(one, (*ends.client)->exporter("EXPERIMENTAL-cage-session/1", as_bytes("nonce"), 32).value());
  EXPECT_NE(one, (*ends.client)->exporter("EXPERIMENTAL-cage-session/1", as_bytes("other"), 32).value());
  EXPECT_NE(one, (*ends.client)->exporter("another label", as_bytes("nonce"), 32).value());
  const Ends again = meet_once(server_settings(), client_settings());
  EXPECT_NE(one, (*again.client)->exporter("EXPERIMENTAL-cage-session/1", as_bytes("nonce"), 32).value());
}

TEST_F(Tls, RefusesAServerThatIsNotTheOneDialled) {
  auto stranger = client_settings();
  stranger.roots.pem = other_ca.certificate.pem();
  Ends ends = meet_once(server_settings(), std::move(stranger));
  EXPECT_EQ(ends.client.error().code, Code::TLS_CERTIFICATE);
  EXPECT_EQ(ends.server.error().code, Code::TLS_ALERT);
  ends = meet_once(server_settings(), client_settings(), "other.localhost");
  EXPECT_EQ(ends.client.error().code, Code::TLS_NAME);
  EXPECT_EQ(ends.server.error().code, Code::TLS_ALERT);
  ends = meet_once(server_settings(), client_settings(), "127.0.0.1");
  EXPECT_EQ(ends.client.error().code, Code::TLS_NAME);
  ends = meet_once(server_settings(), client_settings(), "");
  EXPECT_EQ(ends.client.error().code, Code::TLS_SETUP);
}

TEST_F(Tls, RefusesACertificateThatIsNotValidNowByTheClockGiven) {
  clock.advance(25h);
  EXPECT_EQ(meet_once(server_settings(), client_settings()).client.error().code, Code::TLS_CERTIFICATE);
}

TEST_F(Tls, AWildcardIsOneWholeLabel) {
  server_leaf = test::leaf(ca, "test CA", {"*.app.localhost"}, clock.wall());
  EXPECT_TRUE(meet_once(server_settings(), client_settings(), "x.app.localhost").client);
  EXPECT_FALSE(meet_once(server_settings(), client_settings(), "app.localhost").client);
  EXPECT_FALSE(meet_once(server_settings(), client_settings(), "x.y.app.localhost").client);
  server_leaf = test::leaf(ca, "test CA", {"x*.app.localhost"}, clock.wall());
  EXPECT_FALSE(meet_once(server_settings(), client_settings(), "xy.app.localhost").client);
}

TEST_F(Tls, AsksTheCallersCheckBeforeShowingAnythingOfItsOwn) {
  std::vector<Bytes> seen;
  auto on_server = server_settings();
  on_server.clients = ClientCertificates::required;
  on_server.client_roots.pem = ca.certificate.pem();
  auto on_client = client_settings();
  on_client.identity = test::identity(client_leaf);
  const Ends ends = meet_once(std::move(on_server), std::move(on_client), "cage.localhost", [&](const std::vector<Bytes>& chain) {
    seen = chain;
    return Result<void>(fail(Code::MISSING, "evidence"));
  });
  EXPECT_EQ(error_class(ends.client.error()), "MISSING evidence");
  EXPECT_EQ(ends.server.error().code, Code::TLS_ALERT);
  EXPECT_EQ(seen, std::vector<Bytes>{server_leaf.certificate.der()});
}

TEST_F(Tls, AnyIdentityNeedsACheckThatDecides) {
  auto on_client = client_settings();
  on_client.server_identity = ServerIdentity::any_because_server_check_decides;
  EXPECT_EQ(Client::make(on_client, clock).error().code, Code::TLS_SETUP);
  on_client.roots = {};
  on_client.server_check = [](const std::vector<Bytes>&) { return Result<void>(); };
  EXPECT_TRUE(meet_once(server_settings(), on_client, "other.localhost").client);
  on_client.server_check = [](const std::vector<Bytes>&) { return Result<void>(fail(Code::TLS_NAME)); };
  EXPECT_FALSE(meet_once(server_settings(), on_client, "cage.localhost").client);
  ClientSettings nothing;
  EXPECT_EQ(Client::make(nothing, clock).error().code, Code::TLS_SETUP);
}

TEST_F(Tls, ClientCertificatesAreRequiredAndVerified) {
  auto on_server = server_settings();
  on_server.clients = ClientCertificates::required;
  on_server.client_roots.pem = ca.certificate.pem();
  auto on_client = client_settings();
  EXPECT_FALSE(meet_once(on_server, on_client).server);  // none shown
  on_client.identity = test::identity(client_leaf);
  const Ends good = meet_once(on_server, on_client);
  ASSERT_TRUE(good.server) << describe(good.server.error());
  EXPECT_EQ((*good.server)->peer_chain(), std::vector<Bytes>{client_leaf.certificate.der()});
  on_client.identity = test::identity(test::leaf(other_ca, "another CA", {"client"}, clock.wall()));
  EXPECT_EQ(meet_once(on_server, on_client).server.error().code, Code::TLS_CERTIFICATE);
  on_server.clients = ClientCertificates::asked;
  on_client.identity.reset();
  EXPECT_TRUE(meet_once(on_server, on_client).server);
  on_server.client_roots = {};
  EXPECT_EQ(Server::make(on_server, clock).error().code, Code::TLS_SETUP);
}

TEST_F(Tls, NoProtocolInCommonIsRefused) {
  auto on_server = server_settings();
  on_server.alpn = {"http/1.1"};
  auto on_client = client_settings();
  on_client.alpn = {"h2"};
  EXPECT_FALSE(meet_once(on_server, on_client).server);
  on_client.alpn = {};
  const Ends ends = meet_once(on_server, on_client);
  ASSERT_TRUE(ends.server);
  EXPECT_EQ((*ends.server)->alpn(), "");
}

TEST_F(Tls, AnIdentityIsReplacedWithoutDroppingAConnection) {
  const auto server = Server::make(server_settings(), clock).value();
  const auto client = Client::make(client_settings(), clock).value();
  const test::Issued next = test::leaf(ca, "test CA", {"cage.localhost"}, clock.wall());
  Ends before;
  Ends after;
  loop.run([&]() -> Task<void> {
    co_await meet(*server, *client, before);
    EXPECT_TRUE(server->replace(test::identity(next)));
    co_await meet(*server, *client, after);
    co_await say(**before.client, as_bytes("still here"));
    co_await hear(**before.server, as_bytes("still here"));
  }());
  EXPECT_EQ((*before.client)->peer_spki(), server_leaf.key.public_key().spki());
  EXPECT_EQ((*after.client)->peer_spki(), next.key.public_key().spki());
}

TEST_F(Tls, AKeyOfAnotherCertificateIsRefused) {
  const std::vector<Bytes> chain{server_leaf.certificate.der()};
  EXPECT_EQ(Identity::make(chain, client_leaf.key).error().code, Code::TLS_SETUP);
  EXPECT_EQ(Identity::make({}, client_leaf.key).error().code, Code::TLS_SETUP);
  EXPECT_EQ(Identity::from_pem("nothing", client_leaf.key).error().code, Code::TLS_SETUP);
  EXPECT_TRUE(Identity::from_pem(server_leaf.certificate.pem() + ca.certificate.pem(), server_leaf.key));
}

TEST_F(Tls, ASilentPeerTimesOut) {
  const auto server = Server::make(server_settings(), clock).value();
  loop.run([&]() -> Task<void> {
    auto [near, far] = net::memory_pair();
    const auto accepted = co_await server->accept(loop.timers(), std::move(far));
    EXPECT_EQ(accepted.error().code, Code::TIMEOUT);
  }());
  EXPECT_EQ(loop.timers().now(), Nanoseconds(limits::kTlsHandshakeTime));
}

TEST_F(Tls, BytesThatAreNoTlsAreRefused) {
  const auto server = Server::make(server_settings(), clock).value();
  loop.run([&]() -> Task<void> {
    auto [near, far] = net::memory_pair();
    EXPECT_TRUE(co_await near->write_all(as_bytes("GET / HTTP/1.1\r\nHost: cage.localhost\r\n\r\n")));
    EXPECT_EQ((co_await server->accept(loop.timers(), std::move(far))).error().code, Code::TLS_HANDSHAKE);
  }());
}

TEST_F(Tls, ACutNeverLooksLikeAnEnd) {
  const auto server = Server::make(server_settings(), clock).value();
  const auto client = Client::make(client_settings(), clock).value();
  Ends ends;
  loop.run([&]() -> Task<void> {
    co_await meet(*server, *client, ends);
    EXPECT_TRUE(co_await (*ends.client)->write_all(as_bytes("half a mess")));
    (*ends.client)->close();
    const auto got = co_await net::read_until_end(**ends.server, 100);
    EXPECT_EQ(got.error().code, Code::CLOSED);
  }());
}

TEST_F(Tls, AChangedBitIsNoticed) {
  int failures = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Ends ends = meet_once(server_settings(), client_settings(), "cage.localhost", {},
                                {.seed = seed, .hostility = {.split = 0, .yield = 0, .delay = 0, .cut = 0, .flip = 1.0}});
    failures += ends.server && ends.client ? 0 : 1;
  }
  EXPECT_EQ(failures, 20);
}

class TlsSeeds : public Tls, public testing::WithParamInterface<std::uint64_t> {};

TEST_P(TlsSeeds, CarriesBothWaysAtATimeOverAHostileCarrier) {
  Ends ends = meet_once(server_settings(), client_settings(), "cage.localhost", {}, {.seed = GetParam(), .hostility = {}});
  ASSERT_TRUE(ends.server && ends.client);
  Bytes question(50'000, Byte{'q'});
  Bytes answer(120'000, Byte{'a'});
  loop.run([&]() -> Task<void> {
    co_await net::together(
        net::together(say(**ends.client, question), hear(**ends.server, question)),
        net::together(say(**ends.server, answer), hear(**ends.client, answer)));
  }());
}

TEST_P(TlsSeeds, EndsWithAnErrorWhereTheCarrierCuts) {
  const Ends ends = meet_once(server_settings(), client_settings(), "cage.localhost", {},
                              {.seed = GetParam(), .hostility = {.cut = 0.3}});
  for (const auto* end : {&ends.server, &ends.client}) {
    if (!*end) EXPECT_NE(end->error().code, Code::INTERNAL) << describe(end->error());
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, TlsSeeds, testing::Range<std::uint64_t>(1, 21));

}  // namespace
}  // namespace cages::tls
