// SPDX-License-Identifier: Apache-2.0
// Provisioning over streams in memory, on a clock that jumps: TLS to the provisioner, documents by the software NSM, tokens,
// grants, and the lease that the runtime keeps (design §4.4 to §4.7).
#include <gtest/gtest.h>

#include "base/limits.h"
#include "net/event_loop.h"
#include "net/frame.h"
#include "net/memory.h"
#include "policy/lease.h"
#include "support/development.h"
#include "tls/client.h"

namespace cages::flows {
namespace {

using namespace std::chrono_literals;
using test::TestEnclave;

// An enclave of it, and its attempts.
class Development : public test::DevelopmentPlatform {
 public:
  // present: what the enclave says over a connection with this exporter.
  server::Presented present(const std::string& token, ByteView exporter) {
    const Bytes csr = enclave.csr();
    const auto claims = enclave.claims({}, token, csr, exporter);
    const wire::NsmAttestationRequest request{claims.user_data, claims.nonce, claims.public_key};
    const auto answer = wire::parse_nsm_response(module->answer(wire::write_nsm_request(request)).bytes).value();
    return {std::get<wire::NsmDocument>(answer).document, csr, to_bytes(exporter)};
  }
  std::string attempt() { return platform->outcome(present(platform->token(), platform->exporter)); }

  TestEnclave enclave;
};

class Flow : public testing::Test, public Development {
 protected:
  // once: one attempt as a runtime makes it.
  Task<Result<wire::ProvisionAnswer>> once() {
    auto [near, far] = net::memory_pair();
    loop.spawn("provisioner", serve(std::move(far)));
    tls::ClientSettings settings;
    settings.server_identity = tls::ServerIdentity::any_because_server_check_decides;
    settings.server_check = [this](const std::vector<Bytes>& chain) -> Result<void> {
      TRY(crypto::verify_server_chain(chain, {&platform_root, 1}, wire::kProvisionerName, platform->clock.wall()));
      return {};
    };
    CO_TRY_ASSIGN(const auto client, tls::Client::make(std::move(settings), platform->clock));
    CO_TRY_ASSIGN(const auto stream,
                  co_await client->connect(loop.timers(), std::move(near), std::string(wire::kProvisionerName)));
    CO_TRY_ASSIGN(const Bytes exporter,
                  stream->exporter(wire::kProvisionExporterLabel, {}, wire::kProvisionExporterBytes));
    token = platform->token();
    const server::Presented presented = present(token, exporter);
    document = presented.document;
    CO_TRY(co_await stream->write_all(wire::write_provision(wire::ProvisionHello{document, presented.csr})));
    CO_TRY_ASSIGN(const Bytes frame, co_await net::read_frame(*stream));
    co_return wire::parse_provision_answer(frame);
  }
  Task<void> serve(net::StreamPtr stream) {
    (void)co_await platform->provisioner->serve(loop.timers(), std::move(stream), platform->carrier());
  }
  // send writes bytes that are no TLS, and waits for the end.
  Task<void> send(Bytes bytes) {
    auto [near, far] = net::memory_pair();
    loop.spawn("provisioner", serve(std::move(far)));
    if (!bytes.empty()) (void)co_await near->write_all(bytes);
    Bytes sink(64);
    while (true) {
      const auto got = co_await near->read_some(sink);
      if (!got || *got == 0) co_return;
    }
  }

  net::EventLoop loop{platform->clock};
  std::string token;
  Bytes document;
};

TEST_F(Flow, GrantsOverTheEnclavesOwnTls) {
  const auto answer = loop.run(once()).value();
  ASSERT_TRUE(answer) << describe(answer.error());
  const auto* grant = std::get_if<wire::ProvisionGrant>(&*answer);
  ASSERT_NE(grant, nullptr) << std::get<wire::ProvisionRefused>(*answer).code;
  const auto id = wire::parse_token(token).value().claims.id;
  EXPECT_EQ(enclave.open(*grant, platform->deployment.id, id, document).value().secrets.size(), 1U);
}

TEST_F(Flow, TheEnclaveRefusesAProvisionerThatItsRootDidNotCertify) {
  platform_root.fill(1);
  const auto answer = loop.run(once()).value();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::PLATFORM_ROOT);
  EXPECT_TRUE(platform->store.audit_log(0, 1).value().empty()) << "nothing was sent";
}

// An enclave that sends rubbish, or nothing, is gone in time and disturbs nobody.
TEST_F(Flow, EndsWithEnclavesThatSendRubbish) {
  loop.run(send(Bytes(1000, 0xff)));
  const auto before = platform->clock.monotonic();
  loop.run(send({}));
  EXPECT_LE(platform->clock.monotonic() - before, Nanoseconds(limits::kTlsHandshakeTime + limits::kProvisionExchangeTime));
  const auto answer = loop.run(once()).value();
  ASSERT_TRUE(answer);
  EXPECT_TRUE(std::holds_alternative<wire::ProvisionGrant>(*answer));
}

// What happened to a lease in a run.
struct Tally {
  int granted = 0;
  int refused = 0;
  int unreachable = 0;
  std::optional<Nanoseconds> drained_at;
  bool over = false;
};

class Lease : public testing::Test, public Development {
 protected:
  // keep holds a lease for `time`; every renewal passes all of the provisioner's checks, with a new token and document.
  Tally keep(Nanoseconds time, const std::function<bool(Nanoseconds)>& reachable) {
    Tally tally;
    ManualClock& clock = platform->clock;
    policy::Lease lease(clock.wall(), clock.monotonic());
    const Nanoseconds start = clock.monotonic();
    while (clock.monotonic() - start < time && !tally.over) {
      const Nanoseconds at = clock.monotonic();
      if (at >= lease.renew_at()) renew(lease, reachable(at - start), tally);
      const auto phase = lease.phase(at);
      if (phase == policy::Lease::Phase::drain && !tally.drained_at) tally.drained_at = at - start;
      tally.over = phase == policy::Lease::Phase::over;
      clock.advance(std::max(lease.next(at) - at, Nanoseconds(1ms)));
    }
    return tally;
  }
  void renew(policy::Lease& lease, bool reachable, Tally& tally) {
    const ManualClock& clock = platform->clock;
    if (!reachable) {
      ++tally.unreachable;
      return lease.refused(clock.monotonic());
    }
    const std::string code = attempt();
    if (!code.empty()) {
      ++tally.refused;
      last_code = code;
      return lease.refused(clock.monotonic());
    }
    ++tally.granted;
    lease.observe(clock.wall(), clock.monotonic());
    lease.granted({clock.wall() + limits::kIntermediateLifeMax, clock.wall() + limits::kEngineTokenLifeMax}, clock.monotonic());
  }
  std::string last_code;
};

// Certificates of 24 h, engine tokens of 10 min: a week of renewals every 5 min, and not one fails.
TEST_F(Lease, AWeekPassesWithoutAFailedRenewal) {
  const Tally tally = keep(7 * 24h, [](Nanoseconds) { return true; });
  EXPECT_EQ(tally.granted, 7 * 24 * 12);
  EXPECT_EQ(tally.refused, 0) << last_code;
  EXPECT_FALSE(tally.drained_at);
}

TEST_F(Lease, SurvivesAProvisionerThatIsGoneForHalfAnHour) {
  const Tally tally = keep(4h, [](Nanoseconds at) { return at < 1h || at > 90min; });
  EXPECT_GT(tally.unreachable, 20);
  EXPECT_EQ(tally.refused, 0) << last_code;
  EXPECT_FALSE(tally.drained_at);
  EXPECT_GT(tally.granted, 30);
}

TEST_F(Lease, DrainsWhenTheProvisionerIsGoneForADay) {
  const Tally tally = keep(26h, [](Nanoseconds at) { return at < 1h; });
  ASSERT_TRUE(tally.drained_at);
  EXPECT_TRUE(tally.over);
  // The last grant came at 55 min.
  EXPECT_EQ(*tally.drained_at, Nanoseconds(55min + 24h - limits::kLeaseDrain));
}

TEST_F(Lease, EndsWhenTheVersionIsRevoked) {
  Tally tally = keep(1h, [](Nanoseconds) { return true; });
  EXPECT_EQ(tally.refused, 0);
  ASSERT_TRUE(platform->store.set_state(platform->deployment.id, server::DeploymentState::revoked));
  const auto token = platform->provisioner->token(platform->deployment.id, platform->carrier());
  EXPECT_EQ(token.error().code, Code::PROV_STATE);
}

}  // namespace
}  // namespace cages::flows
