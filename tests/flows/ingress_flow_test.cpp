// SPDX-License-Identifier: Apache-2.0
// A request from the client's TCP connection through the host's ingress and the data plane to the app and back, in one
// process; and what happens when a client, a balancer, the host or the app misbehaves.
#include <gtest/gtest.h>

#include "base/json.h"
#include "host/ingress/ingress.h"
#include "http/client.h"
#include "net/memory.h"
#include "runtime/ingress/data_plane.h"
#include "support/pki.h"
#include "tls/client.h"
#include "wire/proxy_v2.h"

namespace cages {
namespace {

using namespace std::chrono_literals;
constexpr std::uint32_t kPublicPort = 443;
constexpr std::uint32_t kEnclavePort = 7010;
constexpr std::uint32_t kAppPort = 8080;
const std::string kName = "pay.app-0123456789ab.localhost";

// Proves by the exporter alone, so that the flow can be seen to reach the very session.
class ExporterResponder final : public runtime::AttestationResponder {
 public:
  Task<Result<Bytes>> session(ByteView request, const tls::TlsStream& session) override {
    if (overloaded) co_return fail(Code::HTTP_OVERLOAD);
    if (request.empty()) co_return fail(Code::CBOR);
    co_return session.exporter("test", request, 32);
  }
  Task<Result<Bytes>> document(const tls::TlsStream&) override { co_return to_bytes("a document"); }
  bool overloaded = false;
};

struct Flow : testing::Test {
  ManualClock clock;
  net::EventLoop loop{clock};
  test::Issued ca = test::authority("CA", clock.wall());
  test::Issued leaf = test::leaf(ca, "CA", {kName}, clock.wall());
  std::unique_ptr<tls::Server> server =
      tls::Server::make(
          {.identity = test::identity(leaf), .alpn = {"http/1.1"}, .client_roots = {}, .client_check = {}}, clock)
          .value();
  std::unique_ptr<tls::Client> client = tls::Client::make({.roots = {.system = false, .pem = ca.certificate.pem()},
                                                           .alpn = {"http/1.1"},
                                                           .identity = {},
                                                           .server_check = {}},
                                                          clock)
                                            .value();
  crypto::SystemRandom random;
  ExporterResponder attestation;
  net::MemoryPorts network{{.address = "198.51.100.7", .port = 40000, .cid = 0}};  // what the public port sees
  std::shared_ptr<net::MemoryPorts> enclave = std::make_shared<net::MemoryPorts>();
  net::MemoryPorts loopback;
  host::Routes routes;
  host::IngressSettings ingress_settings;
  runtime::DataPlaneSettings plane_settings{.host_names = {kName}, .http = {}};
  http::Handler app = [this](http::Request& request, http::Responder& responder) -> Task<Result<void>> {
    seen = request.head;
    CO_TRY_ASSIGN(Bytes body, co_await http::read_body(request.body, 1 << 20));
    co_return co_await http::answer(responder, 200, {{"X-App", "yes"}}, std::move(body));
  };
  http::RequestHead seen;
  http::Draining app_draining;
  std::unique_ptr<host::Ingress> ingress;
  std::unique_ptr<runtime::DataPlane> plane;
  net::ListenerPtr public_listener;
  net::ListenerPtr enclave_listener;

  Task<void> serve_app(net::Listener& listener) {
    net::TaskGroup tasks(loop);
    auto one = [](Flow& flow, net::Accepted accepted) -> Task<void> {
      std::ignore = co_await http::serve(flow.loop.timers(), *accepted.stream, flow.app, flow.app_draining);
    };
    for (;;) {
      auto accepted = co_await listener.accept();
      if (!accepted) break;
      tasks.spawn("app", one(*this, std::move(*accepted)));
    }
  }

  // Runs `test` with everything up.
  template <class F>
  void run(F test) {
    routes.set(kName, std::make_shared<host::Route>("pay", enclave, 100));
    ingress = std::make_unique<host::Ingress>(loop, routes, ingress_settings);
    plane = std::make_unique<runtime::DataPlane>(
        loop, *server, attestation, random, [this] { return loopback.dial(kAppPort); }, plane_settings);
    public_listener = network.listen(kPublicPort).value();
    enclave_listener = enclave->listen(kEnclavePort).value();
    auto app_listener = loopback.listen(kAppPort).value();
    loop.run([&]() -> Task<void> {
      loop.spawn("ingress", ingress->serve(*public_listener));
      loop.spawn("plane", plane->serve(*enclave_listener));
      loop.spawn("app", serve_app(*app_listener));
      co_await test();
      public_listener->close();
      enclave_listener->close();
      app_listener->close();
      co_await ingress->stop();
      co_await plane->drain(1s);
    }());
  }

  Task<Result<tls::TlsStreamPtr>> connect(std::string name = kName, Bytes first = {}) {
    CO_TRY_ASSIGN(auto stream, co_await network.dial(kPublicPort));
    CO_TRY(co_await stream->write_all(first));
    co_return co_await client->connect(loop.timers(), std::move(stream), std::move(name));
  }
  // One request on a connection of its own.
  Task<Result<http::WholeResponse>> ask(http::RequestHead head, Bytes body = {}) {
    CO_TRY_ASSIGN(auto stream, co_await connect());
    http::Client http(loop.timers(), std::move(stream));
    co_return co_await http.request(std::move(head), std::move(body), 1 << 20);
  }
  static http::RequestHead head(std::string method, std::string target, http::Headers headers = {}) {
    return {.method = std::move(method),
            .target = std::move(target),
            .authority = kName,
            .headers = std::move(headers),
            .upgrade = {}};
  }
};

TEST_F(Flow, ARequestReachesTheAppAndItsAnswerTheClient) {
  run([&]() -> Task<void> {
    const auto got = co_await ask(head("POST", "/pay?x=1", {{"A", "b"}}), Bytes(100'000, Byte{'p'}));
    EXPECT_TRUE(got) << describe(got.error());
    if (!got) co_return;
    EXPECT_EQ(got->head.status, 200);
    EXPECT_EQ(got->body.size(), 100'000U);
    EXPECT_EQ(*got->head.headers.find("X-App"), "yes");
    EXPECT_EQ(seen.target, "/pay?x=1");
    EXPECT_EQ(*seen.headers.find("A"), "b");
    EXPECT_EQ(*seen.headers.find("X-Request-Id"), *got->head.headers.find("X-Request-Id"));
  });
}

TEST_F(Flow, TheClientsIdentityIsReplacedNotAppendedTo) {
  run([&]() -> Task<void> {
    const http::Headers lies{{"X-Forwarded-For", "1.1.1.1"}, {"x_forwarded_for", "1.1.1.1"},
                             {"Forwarded", "for=1.1.1.1"},   {"X-Forwarded-Host", "evil"},
                             {"X-Real-IP", "1.1.1.1"},       {"Client_Cert", ":MII:"},
                             {"X-Request-ID", "mine"}};
    std::ignore = co_await ask(head("GET", "/", lies));
    EXPECT_EQ(*seen.headers.find("X-Forwarded-For"), "198.51.100.7");
    EXPECT_EQ(*seen.headers.find("Forwarded"), "for=198.51.100.7;proto=https");
    EXPECT_EQ(*seen.headers.find("X-Forwarded-Proto"), "https");
    EXPECT_EQ(seen.headers.size(), 4U);
  });
}

TEST_F(Flow, ABalancersClientIsTheOneItNamesAndMustBeNamed) {
  ingress_settings.proxy_peers = {"198.51.100.7"};
  run([&]() -> Task<void> {
    const auto header = wire::write_proxy_v2({.client = {"2001:db8::5", 1234}, .server = {"2001:db8::1", 443}});
    auto stream = co_await connect(kName, *header);
    EXPECT_TRUE(stream) << describe(stream.error());
    http::Client http(loop.timers(), std::move(*stream));
    EXPECT_TRUE(co_await http.request(head("GET", "/"), Bytes(), 100));
    EXPECT_EQ(*seen.headers.find("X-Forwarded-For"), "2001:db8::5");
    EXPECT_EQ(*seen.headers.find("Forwarded"), "for=\"[2001:db8::5]\";proto=https");
    EXPECT_FALSE(co_await connect());
    EXPECT_EQ(ingress->counts().refused_hello, 1U);
  });
}

TEST_F(Flow, NobodyElseMaySayWhoTheClientIs) {
  run([&]() -> Task<void> {
    const auto header = wire::write_proxy_v2({.client = {"1.1.1.1", 1}, .server = {"1.1.1.2", 443}});
    EXPECT_FALSE(co_await connect(kName, *header));
    EXPECT_EQ(ingress->counts().refused_hello, 1U);
    EXPECT_EQ(plane->counts().connections, 0U);
  });
}

TEST_F(Flow, OnlyNamesWithARouteAreServed) {
  run([&]() -> Task<void> {
    EXPECT_EQ((co_await connect("other.localhost")).error().code, Code::TLS_ALERT);
    EXPECT_EQ((co_await connect("127.0.0.1")).error().code, Code::TLS_ALERT);  // sends no name
    EXPECT_EQ(ingress->counts().refused_route, 1U);
    EXPECT_EQ(ingress->counts().refused_hello, 1U);
    EXPECT_EQ(plane->counts().connections, 0U);
  });
}

TEST_F(Flow, ARequestForAnotherNameThanTheConnectionsIsNotAnswered) {
  run([&]() -> Task<void> {
    auto wrong = head("GET", "/");
    wrong.authority = "other.localhost";
    const auto got = co_await ask(wrong);
    EXPECT_TRUE(got && got->head.status == 421);
    EXPECT_TRUE(seen.method.empty());
    auto port = head("GET", "/");
    port.authority = kName + ":8443";
    const auto good = co_await ask(port);
    EXPECT_TRUE(good && good->head.status == 200);
  });
}

TEST_F(Flow, TheSessionIsProvedOnTheConnectionItself) {
  run([&]() -> Task<void> {
    auto stream = co_await connect();
    EXPECT_TRUE(stream);
    const Bytes expected = (*stream)->exporter("test", as_bytes("nonce"), 32).value();
    http::Client http(loop.timers(), std::move(*stream));
    const http::Headers cbor{{"Content-Type", "application/cbor"}};
    auto got = co_await http.request(head("POST", "/.well-known/cage/session", cbor), to_bytes("nonce"), 100);
    EXPECT_TRUE(got && got->head.status == 200 && got->body == expected);
    got = co_await http.request(head("GET", "/after"), Bytes(), 100);
    EXPECT_TRUE(got && got->head.status == 200);
    // Not once bytes of the app's have passed.
    got = co_await http.request(head("POST", "/.well-known/cage/session", cbor), to_bytes("nonce"), 100);
    EXPECT_TRUE(got && got->head.status == 409);
    EXPECT_EQ(seen.target, "/after");
  });
}

TEST_F(Flow, SessionRequestsThatAreNoneAreRefused) {
  run([&]() -> Task<void> {
    const std::string path = "/.well-known/cage/session";
    const http::Headers cbor{{"Content-Type", "application/cbor"}};
    EXPECT_EQ((co_await ask(head("GET", path)))->head.status, 405);
    EXPECT_EQ((co_await ask(head("POST", path), to_bytes("x")))->head.status, 415);
    EXPECT_EQ((co_await ask(head("POST", path, cbor)))->head.status, 400);
    EXPECT_EQ((co_await ask(head("POST", path, cbor), Bytes(limits::kSessionRequestBytesMax + 1)))->head.status, 413);
    attestation.overloaded = true;
    EXPECT_EQ((co_await ask(head("POST", path, cbor), to_bytes("x")))->head.status, 429);
    EXPECT_TRUE(seen.method.empty());
  });
}

TEST_F(Flow, TheDocumentIsShownAsExistingClientsExpect) {
  run([&]() -> Task<void> {
    const auto got = co_await ask(head("GET", "/.well-known/attestation?nonce=1"));
    EXPECT_TRUE(got && got->head.status == 200);
    EXPECT_EQ(parse_json(as_text(got->body))->text_or("attestation_doc", ""), base64(as_bytes("a document")));
    EXPECT_EQ((co_await ask(head("POST", "/.well-known/attestation")))->head.status, 405);
  });
}

TEST_F(Flow, SlowClientsHoldUpNobodyAndAreClosed) {
  run([&]() -> Task<void> {
    std::vector<net::StreamPtr> slow;
    for (int i = 0; i < 50; ++i) {
      slow.push_back((co_await network.dial(kPublicPort)).value());
      EXPECT_TRUE(co_await slow.back()->write_all(Bytes{22, 3, 1}));
    }
    EXPECT_TRUE(co_await ask(head("GET", "/")));
    EXPECT_LT(loop.timers().now(), Nanoseconds(1s));
    EXPECT_GE(ingress->connections(), 50U);
    co_await loop.timers().sleep(limits::kIngressHelloTime + Nanoseconds(1s));
    EXPECT_EQ(ingress->connections(), 0U);
  });
}

TEST_F(Flow, OneClientCannotTakeAllConnections) {
  ingress_settings.per_client_max = 3;
  run([&]() -> Task<void> {
    std::vector<tls::TlsStreamPtr> held;
    for (int i = 0; i < 3; ++i) held.push_back((co_await connect()).value());
    EXPECT_FALSE(co_await connect());
    EXPECT_EQ(ingress->counts().refused_full, 1U);
    held.pop_back();
    co_await loop.timers().sleep(1s);
    EXPECT_TRUE(co_await connect());
  });
}

TEST_F(Flow, CapsHoldOnBothSides) {
  ingress_settings.connections_max = 2;
  plane_settings.connections_max = 1;
  run([&]() -> Task<void> {
    const auto first = co_await connect();
    EXPECT_TRUE(first);
    EXPECT_FALSE(co_await connect());  // the data plane's
    EXPECT_EQ(plane->counts().refused_full, 1U);
    const auto idle = (co_await network.dial(kPublicPort)).value();
    const auto third = (co_await network.dial(kPublicPort)).value();
    Byte byte = 0;
    EXPECT_EQ((co_await third->read_some({&byte, 1})).value_or(0), 0U);
    EXPECT_EQ(ingress->counts().refused_full, 1U);
  });
}

TEST_F(Flow, AHostThatSaysNothingOrNonsenseIsClosed) {
  run([&]() -> Task<void> {
    for (const std::string text : {"", "PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"}) {
      auto stream = (co_await enclave->dial(kEnclavePort)).value();
      EXPECT_TRUE(co_await stream->write_all(as_bytes(text)));
      Byte byte = 0;
      EXPECT_EQ((co_await stream->read_some({&byte, 1})).value_or(0), 0U);
    }
    EXPECT_EQ(plane->connections(), 0U);
  });
}

TEST_F(Flow, AnAppThatIsDownIsABadGateway) {
  plane_settings.http = {};
  run([&]() -> Task<void> {
    app = [](http::Request&, http::Responder&) -> Task<Result<void>> { co_return fail(Code::UNREACHABLE); };
    const auto got = co_await ask(head("GET", "/"));
    EXPECT_TRUE(got && got->head.status == 502);
  });
}

TEST_F(Flow, DrainingFinishesWhatIsInFlight) {
  app = [this](http::Request&, http::Responder& responder) -> Task<Result<void>> {
    co_await loop.timers().sleep(5s);
    co_return co_await http::answer(responder, 200, {}, to_bytes("done"));
  };
  run([&]() -> Task<void> {
    Result<http::WholeResponse> got = fail(Code::INTERNAL);
    const auto idle = co_await connect();
    auto in_flight = [&]() -> Task<void> { got = co_await ask(head("GET", "/")); };
    auto drain = [&]() -> Task<void> {
      co_await loop.timers().sleep(2s);
      enclave_listener->close();
      co_await plane->drain(20s);
    };
    co_await net::together(in_flight(), drain());
    EXPECT_TRUE(got && got->head.status == 200);
    EXPECT_EQ(plane->connections(), 0U);
    EXPECT_LT(loop.timers().now(), Nanoseconds(10s));
  });
}

TEST_F(Flow, ADrainCanBeHurriedAndNeverPutOff) {
  app = [this](http::Request&, http::Responder& responder) -> Task<Result<void>> {
    co_await loop.timers().sleep(100s);
    co_return co_await http::answer(responder, 200, {}, to_bytes("late"));
  };
  run([&]() -> Task<void> {
    auto in_flight = [&]() -> Task<void> { EXPECT_FALSE(co_await ask(head("GET", "/"))); };
    auto drain = [&]() -> Task<void> {
      co_await loop.timers().sleep(1s);
      enclave_listener->close();
      co_await plane->drain(60s);
    };
    auto hurry = [&]() -> Task<void> {
      co_await loop.timers().sleep(2s);
      plane->hurry(3s);
      plane->hurry(50s);
    };
    co_await net::together(in_flight(), net::together(drain(), hurry()));
    EXPECT_EQ(plane->connections(), 0U);
    EXPECT_LT(loop.timers().now(), Nanoseconds(6s));
  });
}

// An end that TLS itself says: a cut could be anybody's.
TEST_F(Flow, DrainingTellsIdleClientsByCloseNotify) {
  run([&]() -> Task<void> {
    const auto idle = co_await connect();
    EXPECT_TRUE(idle);
    if (!idle) co_return;
    auto hear_the_end = [&]() -> Task<void> {
      Bytes scrap(16);
      const auto end = co_await (*idle)->read_some(scrap);
      EXPECT_TRUE(end && *end == 0) << (end ? "bytes" : describe(end.error()));
      (*idle)->close();
    };
    auto drain = [&]() -> Task<void> {
      co_await loop.timers().sleep(2s);
      enclave_listener->close();
      co_await plane->drain(20s);
    };
    co_await net::together(hear_the_end(), drain());
    EXPECT_EQ(plane->connections(), 0U);
    EXPECT_LT(loop.timers().now(), Nanoseconds(3s));
  });
}

// Requests in flight are counted while they are, for the host that asks.
TEST_F(Flow, CountsWhatIsInFlight) {
  std::uint64_t during = 0;
  app = [&](http::Request&, http::Responder& responder) -> Task<Result<void>> {
    during = plane->counts().in_flight;
    co_return co_await http::answer(responder, 200, {}, to_bytes("done"));
  };
  run([&]() -> Task<void> {
    EXPECT_TRUE(co_await ask(head("GET", "/")));
    EXPECT_EQ(during, 1U);
    co_await loop.timers().sleep(1s);
    EXPECT_EQ(plane->counts().in_flight, 0U);
  });
}

TEST_F(Flow, DrainingEndsAtItsDeadline) {
  app = [this](http::Request&, http::Responder&) -> Task<Result<void>> {
    co_await loop.timers().sleep(1h);
    co_return Result<void>();
  };
  run([&]() -> Task<void> {
    auto in_flight = [&]() -> Task<void> { EXPECT_FALSE(co_await ask(head("GET", "/"))); };
    auto drain = [&]() -> Task<void> {
      co_await loop.timers().sleep(2s);
      enclave_listener->close();
      co_await plane->drain(20s);
    };
    co_await net::together(in_flight(), drain());
    EXPECT_EQ(plane->connections(), 0U);
    EXPECT_EQ(loop.timers().now(), Nanoseconds(22s));
  });
}

}  // namespace
}  // namespace cages
