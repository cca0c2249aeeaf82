// SPDX-License-Identifier: Apache-2.0
// The hosts' port over streams in memory: enrolment, a session with its assignments and tokens, the image, the provisioner's
// stream; and hosts that are none (design §4.2, §4.6).
#include <gtest/gtest.h>

#include "base/limits.h"
#include "crypto/list_digest.h"
#include "net/frame.h"
#include "net/memory.h"
#include "server/api/host_link.h"
#include "support/platform.h"
#include "tls/client.h"
#include "wire/enrol_code.h"
#include "wire/proxy_v2.h"

namespace cages::flows {
namespace {

using test::TestPlatform;

class HostLinkFlow : public testing::Test {
 public:
  HostLinkFlow() {
    const std::string evidence_class = platform.deployment.evidence_class;
    server::Registry::Settings settings{"localhost", true, evidence_class, {evidence_class}};
    registry = std::make_unique<server::Registry>(std::move(settings), platform.store, blobs, platform.random);
    link = server::HostLink::make(loop, *registry, *platform.provisioner, platform.store, *platform.keyring, platform.random)
               .value();
  }
  // dial connects as a host would; `identity` where it is enrolled.
  void balance(const std::vector<std::string>& addresses) {
    link = server::HostLink::make(loop, *registry, *platform.provisioner, platform.store, *platform.keyring, platform.random,
                                  server::Balancers(addresses)).value();
  }
  // `first` goes before TLS.
  Task<Result<tls::TlsStreamPtr>> dial(std::optional<tls::Identity> identity, Bytes first = {}) {
    auto [near, far] = net::memory_pair();
    if (!first.empty()) CO_TRY(co_await near->write_all(first));
    loop.spawn("caged", link->serve({std::move(far), {.address = "192.0.2.1", .port = 1, .cid = 0}}));
    tls::ClientSettings settings;
    settings.roots.pem = platform.keyring->hosts_root().certificate.pem();
    settings.identity = std::move(identity);
    CO_TRY_ASSIGN(const auto client, tls::Client::make(std::move(settings), platform.clock));
    co_return co_await client->connect(loop.timers(), std::move(near), std::string(wire::kHostLinkName));
  }
  Task<Result<wire::HostLinkDown>> ask(net::Stream& stream, Bytes frame) {
    CO_TRY(co_await stream.write_all(frame));
    CO_TRY_ASSIGN(const Bytes answer, co_await net::read_frame(stream));
    co_return wire::parse_host_link_down(answer);
  }
  Task<Result<wire::HostLinkDown>> enrol(std::string code) {
    CO_TRY_ASSIGN(const auto stream, co_await dial({}));
    const Bytes csr = crypto::make_csr(key, crypto::common_name("anything").value()).value();
    co_return co_await ask(*stream, wire::write_host_link(wire::HostOpening(wire::EnrolRequest{code, csr})));
  }
  std::string new_code() {
    return registry->enrol_code("h7", {}, {}, platform.keyring->hosts_root().certificate.public_key()).value();
  }
  tls::Identity identity_of(const wire::Enrolled& enrolled) { return tls::Identity::make(enrolled.chain, key).value(); }
  wire::Enrolled enrolled() { return std::get<wire::Enrolled>(loop.run(enrol(new_code())).value().value()); }

  TestPlatform platform;
  server::Blobs blobs = server::Blobs::open(std::filesystem::temp_directory_path() / "cages-host-link-blobs").value();
  net::EventLoop loop{platform.clock};
  crypto::PrivateKey key = crypto::PrivateKey::generate(crypto::Curve::p256).value();
  std::unique_ptr<server::Registry> registry;
  std::unique_ptr<server::HostLink> link;
};

TEST_F(HostLinkFlow, EnrolsAHostOnceByItsCode) {
  const std::string code = new_code();
  EXPECT_EQ(wire::parse_enrol_code(code).value().root,
            crypto::key_hash(platform.keyring->hosts_root().certificate.public_key()));
  const auto first = loop.run(enrol(code)).value().value();
  ASSERT_TRUE(std::holds_alternative<wire::Enrolled>(first));
  const auto second = loop.run(enrol(code)).value().value();
  EXPECT_EQ(std::get<wire::LinkRefused>(second).code, "ENROL_CODE");
}

TEST_F(HostLinkFlow, TellsASessionWhatToRunAndGivesItTokens) {
  const wire::Enrolled host = enrolled();
  ASSERT_TRUE(platform.store.set_host(platform.deployment.id, host.host));
  const auto talk = [](HostLinkFlow& flow, const wire::Enrolled& enrolled_host) -> Task<Result<std::string>> {
    CO_TRY_ASSIGN(const auto stream, co_await flow.dial(flow.identity_of(enrolled_host)));
    CO_TRY_ASSIGN(const auto first,
                  co_await flow.ask(*stream, wire::write_host_link(wire::HostOpening(wire::OpenSession{"t", {"process"}}))));
    const auto& list = std::get<wire::Assignments>(first).all;
    if (list.size() != 1 || list[0].deployment != flow.platform.deployment.id) co_return fail(Code::INTERNAL, "assignments");
    const wire::LinkTokenRequest request{9, flow.platform.deployment.id};
    CO_TRY_ASSIGN(const auto second, co_await flow.ask(*stream, wire::write_host_link(wire::HostSessionUp(request))));
    const auto token = std::get<wire::LinkToken>(second);
    // What a host reports makes a rolling deployment live.
    const wire::InstanceReport report{flow.platform.deployment.id, "ready", "ok"};
    CO_TRY(co_await stream->write_all(wire::write_host_link(wire::HostSessionUp(report))));
    const wire::LinkTokenRequest foreign{10, {}};
    CO_TRY_ASSIGN(const auto third, co_await flow.ask(*stream, wire::write_host_link(wire::HostSessionUp(foreign))));
    if (std::get<wire::LinkTokenRefused>(third).code != "PROV_DEPLOYMENT") co_return fail(Code::INTERNAL, "foreign");
    co_return token.token;
  };
  const auto token = loop.run(talk(*this, host)).value();
  ASSERT_TRUE(token) << describe(token.error());
  const auto claims = wire::parse_token(*token).value().claims;
  EXPECT_EQ(claims.host, host.host);
  EXPECT_EQ(claims.address, "192.0.2.1");
  EXPECT_EQ(claims.host_key, crypto::sha256(key.public_key().spki()));
  EXPECT_EQ(platform.store.deployment(platform.deployment.id).value()->state, server::DeploymentState::live);
}

// What a session with one deployment is told first, and the claims of the token that it then asks for.
Task<Result<wire::TokenClaims>> token_over(HostLinkFlow& flow, const wire::Enrolled& host, Bytes first) {
  CO_TRY_ASSIGN(const auto stream, co_await flow.dial(flow.identity_of(host), std::move(first)));
  CO_TRY(co_await flow.ask(*stream, wire::write_host_link(wire::HostOpening(wire::OpenSession{"t", {"process"}}))));
  const wire::LinkTokenRequest request{1, flow.platform.deployment.id};
  CO_TRY_ASSIGN(const auto answer, co_await flow.ask(*stream, wire::write_host_link(wire::HostSessionUp(request))));
  CO_TRY_ASSIGN(const auto token, wire::parse_token(std::get<wire::LinkToken>(answer).token));
  co_return token.claims;
}

Bytes proxy_header(const std::string& client) {
  return wire::write_proxy_v2({.client = {client, 40000}, .server = {"192.0.2.200", 8444}}).value();
}

// From a configured balancer alone: `ip` is whom it names, and it must name somebody.
TEST_F(HostLinkFlow, TakesABalancersWordForTheAddressAndNobodyElses) {
  const wire::Enrolled host = enrolled();
  ASSERT_TRUE(platform.store.set_host(platform.deployment.id, host.host));
  EXPECT_EQ(loop.run(token_over(*this, host, {})).value().value().address, "192.0.2.1");
  EXPECT_FALSE(loop.run(token_over(*this, host, proxy_header("198.51.100.9"))).value()) << "from a host itself";
  balance({"192.0.2.77"});
  EXPECT_EQ(loop.run(token_over(*this, host, {})).value().value().address, "192.0.2.1");
  EXPECT_FALSE(loop.run(token_over(*this, host, proxy_header("198.51.100.9"))).value()) << "another is the balancer";
  balance({"192.0.2.1"});
  EXPECT_EQ(loop.run(token_over(*this, host, proxy_header("198.51.100.9"))).value().value().address, "198.51.100.9");
  EXPECT_FALSE(loop.run(token_over(*this, host, {})).value()) << "a balancer that names nobody";
}

// How long a session lives in which the host says `alive` this often and nothing else; at most an hour.
Task<Nanoseconds> session_life(HostLinkFlow& flow, const wire::Enrolled& host, Nanoseconds every) {
  const auto stream = (co_await flow.dial(flow.identity_of(host))).value();
  const Nanoseconds began = flow.loop.timers().now();
  auto answer = co_await flow.ask(*stream, wire::write_host_link(wire::HostOpening(wire::OpenSession{"t", {}})));
  while (answer && flow.loop.timers().now() - began < std::chrono::hours(1)) {
    co_await flow.loop.timers().sleep(every);
    answer = co_await flow.ask(*stream, wire::write_host_link(wire::HostSessionUp(wire::HostAlive{})));
    if (answer) EXPECT_TRUE(std::holds_alternative<wire::Accepted>(*answer));
  }
  co_return flow.loop.timers().now() - began;
}

TEST_F(HostLinkFlow, EndsTheSessionOfAHostThatFellSilent) {
  const wire::Enrolled host = enrolled();
  EXPECT_GE(loop.run(session_life(*this, host, limits::kLinkAliveTime)).value(), std::chrono::hours(1));
  const Nanoseconds silent = std::chrono::minutes(30);
  EXPECT_EQ(loop.run(session_life(*this, host, silent)).value(), silent) << "its first word came to a closed session";
}

TEST_F(HostLinkFlow, ServesNobodyWithoutACertificate) {
  const auto talk = [](HostLinkFlow& flow) -> Task<Result<wire::HostLinkDown>> {
    CO_TRY_ASSIGN(const auto stream, co_await flow.dial({}));
    co_return co_await flow.ask(*stream, wire::write_host_link(wire::HostOpening(wire::OpenSession{"t", {}})));
  };
  const auto answer = loop.run(talk(*this)).value();
  ASSERT_TRUE(answer);
  EXPECT_EQ(std::get<wire::LinkRefused>(*answer).code, "PLATFORM_CHAIN");
}

TEST_F(HostLinkFlow, KeepsHostsFromEachOthersDeployments) {
  const wire::Enrolled host = enrolled();  // the deployment is h1's
  const server::Id id = platform.deployment.id;
  using Answer = Task<Result<wire::HostLinkDown>>;
  const auto talk = [](HostLinkFlow& flow, const wire::Enrolled& by, wire::HostOpening what) -> Answer {
    CO_TRY_ASSIGN(const auto stream, co_await flow.dial(flow.identity_of(by)));
    co_return co_await flow.ask(*stream, wire::write_host_link(what));
  };
  const wire::HostOpening image = wire::OpenImage{id};
  for (const wire::HostOpening& opening :
       {image, wire::HostOpening(wire::OpenProvisioner{id}), wire::HostOpening(wire::OpenEgressList{id})}) {
    const auto answer = loop.run(talk(*this, host, opening)).value();
    ASSERT_TRUE(answer);
    EXPECT_EQ(std::get<wire::LinkRefused>(*answer).code, "PROV_DEPLOYMENT");
  }
}

// The host's copy of the allow-list is caged's record of the image, with the digest that the assignment names.
TEST_F(HostLinkFlow, HandsOutTheEgressListOfTheDeploymentOnRecord) {
  const wire::Enrolled host = enrolled();
  ASSERT_TRUE(platform.store.set_host(platform.deployment.id, host.host));
  server::Deployment reaching = platform.deployment;
  reaching.id.fill(9);
  reaching.host = host.host;
  reaching.egress = "*.example.org:5432\napi.example.com:443\n";
  ASSERT_TRUE(platform.store.add_deployment(reaching));
  const auto assigned = registry->assignments(platform.store.host(host.host)->value()).value().all;
  ASSERT_EQ(assigned.size(), 2U);
  for (const wire::Assignment& one : assigned) {
    if (one.deployment == reaching.id) EXPECT_EQ(one.egress, crypto::list_digest(reaching.egress));
    else EXPECT_EQ(one.egress, std::nullopt);
  }
  const auto talk = [](HostLinkFlow& flow, const wire::Enrolled& by, server::Id id) -> Task<Result<std::string>> {
    CO_TRY_ASSIGN(const auto stream, co_await flow.dial(flow.identity_of(by)));
    const wire::HostOpening opening = wire::OpenEgressList{id};
    CO_TRY_ASSIGN(const auto answer, co_await flow.ask(*stream, wire::write_host_link(opening)));
    const wire::ImageHead head = std::get<wire::ImageHead>(answer);
    Bytes text(head.bytes);
    if (!text.empty()) CO_TRY(co_await net::read_exact(*stream, text));
    if (crypto::sha256(text) != head.sha256) co_return fail(Code::IMAGE_HASH);
    co_return std::string(as_text(text));
  };
  EXPECT_EQ(loop.run(talk(*this, host, reaching.id)).value().value(), reaching.egress);
  EXPECT_EQ(loop.run(talk(*this, host, platform.deployment.id)).value().value(), "");
}

TEST_F(HostLinkFlow, EndsWithPeersThatSendRubbish) {
  const auto talk = [](HostLinkFlow& flow) -> Task<Result<wire::HostLinkDown>> {
    CO_TRY_ASSIGN(const auto stream, co_await flow.dial({}));
    co_return co_await flow.ask(*stream, {0, 0, 0, 4, 1, 2, 3, 4});
  };
  const auto answer = loop.run(talk(*this)).value();
  EXPECT_FALSE(answer);
}

}  // namespace
}  // namespace cages::flows
