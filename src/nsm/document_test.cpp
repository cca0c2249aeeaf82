// SPDX-License-Identifier: Apache-2.0
// What the software NSM signs, in the eyes of the verifier that clients use.
#include <gtest/gtest.h>

#include "attest/nsm_client.h"
#include "attest/verify.h"
#include "nsm/module.h"

namespace cages::nsm {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kModule = "i-0123456789abcdef0-enc019b8596b1a9dad6";

class Direct final : public attest::NsmChannel {
 public:
  explicit Direct(Module& module) : module_(module) {}
  Result<Bytes> exchange(ByteView request) override { return module_.answer(request).bytes; }

 private:
  Module& module_;
};

PlatformPcrs measured(Byte value) {
  PlatformPcrs pcrs{};
  for (std::size_t i = 0; i < 3; ++i) pcrs.at(i).fill(value);
  return pcrs;
}

class DevelopmentDocument : public ::testing::Test {
 protected:
  DevelopmentDocument()
      : root_(DevelopmentRoot::create(clock_, random_).value()),
        trusted_(attest::TrustRoot::development(root_.certificate().der()).value()),
        evidence_("development:" + root_.fingerprint()) {}

  Bytes document(Byte pcr, const wire::NsmAttestationRequest& request = {}) {
    if (!module_) {
      module_.emplace(measured(pcr), Authority(std::move(root_), ModuleId::parse(kModule).value(), clock_, random_), clock_,
                      random_);
    }
    return attest::Nsm(std::make_unique<Direct>(*module_)).attestation(request).value();
  }
  Result<attest::Verified> verify(ByteView document, const attest::TrustRoot& root, policy::AttestationPolicy rules = {}) {
    if (rules.pcr_sets.empty()) rules.any_pcrs = true;
    return attest::verify(document, std::span(&root, 1), unix_seconds(clock_.wall()), policy::admit(rules).value());
  }

  ManualClock clock_;
  crypto::SystemRandom random_;
  DevelopmentRoot root_;
  attest::TrustRoot trusted_;
  std::string evidence_;
  std::optional<Module> module_;
};

TEST_F(DevelopmentDocument, VerifiesUnderItsRootAndSaysWhatItIs) {
  const Bytes made = document(0x10, {.user_data = Bytes(1024, 1), .nonce = Bytes(1024, 2), .public_key = Bytes(1024, 3)});
  policy::AttestationPolicy rules;
  rules.pcr_sets = {{{{0, measured(0x10)[0]}, {1, measured(0x10)[1]}, {2, measured(0x10)[2]}}, {}}};
  rules.user_data = Bytes(1024, 1);
  rules.nonce = Bytes(1024, 2);
  rules.public_key = Bytes(1024, 3);
  const auto verified = verify(made, trusted_, rules);
  ASSERT_TRUE(verified) << describe(verified.error());
  EXPECT_EQ(verified->evidence_class(), evidence_);
  EXPECT_EQ(verified->claims().module_id, kModule);
  EXPECT_EQ(verified->claims().pcrs.size(), 16U);
}

TEST_F(DevelopmentDocument, MeansNothingToAProductionVerifier) {
  const auto refused = verify(document(0x10), attest::production_root());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::UNTRUSTED_ROOT);
}

TEST_F(DevelopmentDocument, MeansNothingUnderAnotherDevelopersRoot) {
  const auto other = DevelopmentRoot::create(clock_, random_).value();
  const auto refused = verify(document(0x10), attest::TrustRoot::development(other.certificate().der()).value());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::UNTRUSTED_ROOT);
}

TEST_F(DevelopmentDocument, IsADebugOneWhereNothingWasMeasured) {
  const auto refused = verify(document(0), trusted_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::DEBUG);
}

TEST_F(DevelopmentDocument, VerifiesAcrossEveryRenewal) {
  for (int step = 0; step < 40; ++step) {
    const auto verified = verify(document(0x10), trusted_);
    ASSERT_TRUE(verified) << step << " " << describe(verified.error());
    clock_.advance(37min + 13s);
  }
}

}  // namespace
}  // namespace cages::nsm
