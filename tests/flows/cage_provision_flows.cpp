// SPDX-License-Identifier: Apache-2.0
// The runtime's half of provisioning against the real platform, over memory streams: what Provisioner takes for a
// grant, how long it tries, and the leaf that is issued from one.
#include <gtest/gtest.h>

#include "attest/evidence.h"
#include "base/limits.h"
#include "flows/chaos/world.h"
#include "runtime/boot/leaf.h"
#include "runtime/boot/provision.h"
#include "tls/client.h"
#include "wire/oids.h"
#include "wire/ports.h"

namespace cages::runtime {
namespace {

using namespace std::chrono_literals;

class CageProvisioning : public testing::Test {
 protected:
  using Entries = std::vector<std::string>;
  // with: the host does `fault` to each `message` from now on.
  void with(chaos::Fault fault, chaos::Message message) {
    chaos = std::make_unique<chaos::Chaos>(chaos::Plan{fault, message, true, 1}, tally);
    host = std::make_unique<chaos::ChaosHost>(loop, world, *chaos);
    nsm = std::make_unique<attest::Nsm>(std::make_unique<chaos::ChaosNsm>(world, *chaos));
  }
  // run provisions by `act`, with a host that serves.
  Result<Granted> run(Task<Result<Granted>> (Provisioner::*act)()) {
    // lifetime: the journal tells each of them of its entries.
    controls.push_back(std::make_unique<Control>(loop, *host, journal));
    Control& control = *controls.back();
    Provisioner provisioner({loop, *host, *nsm, control, journal, clock, keys}, roots);
    if (serves) host->serve();
    return *loop.run([&]() -> Task<Result<Granted>> {
      loop.spawn("control", control.run());
      auto granted = co_await (provisioner.*act)();
      if (granted && again) granted = co_await (provisioner.*act)();
      co_return granted;
    }());
  }
  std::string outcome(Task<Result<Granted>> (Provisioner::*act)() = &Provisioner::obtain) {
    const auto granted = run(act);
    return granted ? "granted" : error_class(granted.error());
  }
  Entries entries() const {
    Entries out;
    for (const auto& entry : journal.entries()) out.push_back(entry.stage + " " + entry.code);
    return out;
  }

  chaos::World world;
  chaos::Tally tally{};
  net::EventLoop loop{world.clock()};
  std::unique_ptr<chaos::Chaos> chaos;
  std::unique_ptr<chaos::ChaosHost> host;
  std::unique_ptr<attest::Nsm> nsm;
  Journal journal{world.clock()};
  std::vector<std::unique_ptr<Control>> controls;
  TrustedClock clock{world.clock()};
  Keys keys = Keys::make().value();
  std::vector<crypto::KeyHash> roots{world.platform.platform_root};
  crypto::SystemRandom random;
  bool serves = true;
  bool again = false;
  CageProvisioning() { with(chaos::Fault::split, chaos::Message::count_); }
};

TEST_F(CageProvisioning, TakesAGrantForItsOwnKeyWithNamesAndSecrets) {
  const auto granted = run(&Provisioner::obtain);
  ASSERT_TRUE(granted) << describe(granted.error());
  EXPECT_EQ(granted->names(), world.platform.platform->deployment.names);
  ASSERT_EQ(granted->secrets().secrets.size(), 1U);
  EXPECT_EQ(as_text(granted->secrets().secrets[0].value.reveal()), world.secret());
  EXPECT_EQ(granted->chain().front().public_key().spki(), keys.ca.public_key().spki());
  EXPECT_LE(granted->lease().engine_token_until, granted->lease().certificate_until);
  EXPECT_EQ(entries(), (Entries{"token ok", "attest ok", "provision ok"}));
}

TEST_F(CageProvisioning, RenewingIsQuietWhileNothingChanges) {
  again = true;
  EXPECT_EQ(outcome(), "granted");
  EXPECT_EQ(entries(), (Entries{"token ok", "attest ok", "provision ok"}));
}

TEST_F(CageProvisioning, APlatformThatIsNotTheImagesIsNotSpokenTo) {
  with(chaos::Fault::lie, chaos::Message::server_flight);
  EXPECT_EQ(outcome(), "PLATFORM_ROOT");
  EXPECT_EQ(entries(), (Entries{"token ok", "provision PLATFORM_ROOT"})) << "no document was made for it";
  with(chaos::Fault::split, chaos::Message::count_);
  roots[0].fill(1);
  EXPECT_EQ(outcome(), "PLATFORM_ROOT");
}

TEST_F(CageProvisioning, AGrantForAnotherCageIsNone) {
  with(chaos::Fault::lie, chaos::Message::grant);
  EXPECT_EQ(outcome(), "CERTIFICATE");
}

TEST_F(CageProvisioning, AHostThatRefusesATokenIsNamed) {
  with(chaos::Fault::split, chaos::Message::token_refused);
  EXPECT_EQ(outcome(), "TOKEN_REFUSED");
  EXPECT_EQ(entries(), (Entries{"token TOKEN_REFUSED"}));
}

TEST_F(CageProvisioning, TriesAgainUntilTimeIsUpAndSaysItOnce) {
  with(chaos::Fault::split, chaos::Message::token_refused);
  EXPECT_EQ(outcome(&Provisioner::obtain_first), "TOKEN_REFUSED");
  EXPECT_EQ(entries(), (Entries{"token TOKEN_REFUSED"}));
  EXPECT_LE(world.clock().monotonic(), Nanoseconds(limits::kProvisionTime));
  EXPECT_GE(world.clock().monotonic(), Nanoseconds(limits::kProvisionTime - limits::kProvisionRetryMax));
  EXPECT_GT(tally.at(static_cast<std::size_t>(chaos::Fault::split))
                .at(static_cast<std::size_t>(chaos::Message::token_refused)),
            20U);
}

TEST_F(CageProvisioning, AHostThatIsNotThereIsATimeout) {
  serves = false;
  EXPECT_EQ(outcome(), "TIMEOUT");
  EXPECT_EQ(world.clock().monotonic(), Nanoseconds(limits::kTokenTime));
}

// What the platform says of the image will be the same next time.
TEST_F(CageProvisioning, StopsAtOnceWhereThePlatformRefusesForGood) {
  with(chaos::Fault::split, chaos::Message::refused);
  const auto granted = run(&Provisioner::obtain_first);
  ASSERT_FALSE(granted);
  EXPECT_EQ(error_class(granted.error()) + " " + granted.error().got, "PROVISION_REFUSED PROV_PCRS");
  EXPECT_LT(world.clock().monotonic(), Nanoseconds(1s));
}

// A host may not choose what a document says: what is no token is not put into one.
TEST_F(CageProvisioning, AHostsTokenThatIsNoneIsNotAttested) {
  with(chaos::Fault::lie, chaos::Message::token_answer);
  EXPECT_EQ(outcome(), "TOKEN_FORMAT");
  EXPECT_EQ(entries(), (Entries{"token TOKEN_FORMAT"}));
}

TEST_F(CageProvisioning, AnNsmThatDoesNotAttestIsNamed) {
  with(chaos::Fault::wrong_type, chaos::Message::nsm_attest_provision);
  const std::string code = outcome();
  EXPECT_NE(code, "granted");
  EXPECT_EQ(entries().back().substr(0, 7), "attest ");
}

// permitted_names reads what the platform writes, and refuses an intermediate that would permit more.
TEST(PermittedNames, AreDnsNamesUnderACriticalConstraintAlone) {
  const auto now = ManualClock().wall();
  const auto key = crypto::PrivateKey::generate(crypto::Curve::p256).value();
  const auto certificate = [&](std::vector<crypto::Extension> extensions) {
    crypto::CertificateFields fields{.serial = {1},
                                     .issuer = crypto::common_name("a").value(),
                                     .subject = crypto::common_name("b").value(),
                                     .not_before = now,
                                     .not_after = now + 1h,
                                     .extensions = std::move(extensions)};
    return crypto::issue(fields, key.public_key(), key).value();
  };
  const std::vector<std::string> names{"pay.example", "api.pay.example"};
  crypto::Extension good = crypto::name_constraints(names);
  EXPECT_EQ(permitted_names(certificate({good})).value(), names);
  EXPECT_EQ(permitted_names(certificate({})).error().code, Code::CERTIFICATE);
  crypto::Extension optional = good;
  optional.critical = false;
  EXPECT_EQ(permitted_names(certificate({optional})).error().code, Code::CERTIFICATE);
  // permitted [0] { GeneralSubtree { dNSName ".x" } }: a whole domain; { iPAddress }: another kind.
  for (const char* value : {"3008a006300482022e78", "300ca00a300887080a000000ff000000", "3004a0023000", "3000"}) {
    crypto::Extension other = good;
    other.value = parse_hex(value).value();
    EXPECT_FALSE(permitted_names(certificate({other}))) << value;
  }
}

TEST_F(CageProvisioning, TheLeafIsForTheNamesGrantedAndNeverOutlivesWhatItStandsOn) {
  const auto granted = run(&Provisioner::obtain);
  ASSERT_TRUE(granted);
  const auto leaf = issue_leaf(*nsm, keys, *granted, clock, random);
  ASSERT_TRUE(leaf) << describe(leaf.error());
  ASSERT_EQ(leaf->chain_der.size(), 2U) << "leaf and intermediate; the root is the client's";
  const auto own = wire::parse_certificate(leaf->chain_der[0]).value();
  const auto certificate = crypto::Certificate::from_der(leaf->chain_der[0]).value();
  EXPECT_TRUE(certificate.signed_by(granted->chain().front().public_key()));
  EXPECT_TRUE(equal(own.spki, keys.tls.public_key().spki()));
  EXPECT_LE(leaf->not_after, granted->chain().front().not_after());
  // A client's judgement of it, under the developer's root: binds the key, and outlives the leaf.
  const std::vector<attest::TrustRoot> trusted{*world.platform.root};
  policy::AttestationPolicy policy;
  const auto pcrs = world.platform.platform->authority.claims().pcrs;
  policy.pcr_sets = {{{{0, pcrs.at(0)}, {1, pcrs.at(1)}, {2, pcrs.at(2)}}, {}}};
  const auto admitted = policy::admit(std::move(policy));
  ASSERT_TRUE(admitted) << describe(admitted.error());
  const auto evidence = attest::verify_tls_evidence(leaf->chain_der[0], trusted, unix_seconds(clock.wall()), *admitted);
  ASSERT_TRUE(evidence) << describe(evidence.error());
  EXPECT_EQ(evidence->keys().session_spki, keys.public_set().session_spki);
}

TEST_F(CageProvisioning, WithoutADocumentThereIsNoLeaf) {
  const auto granted = run(&Provisioner::obtain);
  ASSERT_TRUE(granted);
  with(chaos::Fault::garbage, chaos::Message::nsm_attest_leaf);
  EXPECT_FALSE(issue_leaf(*nsm, keys, *granted, clock, random));
  with(chaos::Fault::close, chaos::Message::nsm_attest_leaf);
  EXPECT_EQ(issue_leaf(*nsm, keys, *granted, clock, random).error().code, Code::CLOSED);
}

}  // namespace
}  // namespace cages::runtime
