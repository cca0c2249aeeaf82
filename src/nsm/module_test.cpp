// SPDX-License-Identifier: Apache-2.0
#include "nsm/module.h"

#include <gtest/gtest.h>

#include "attest/nsm_client.h"
#include "crypto/hash.h"

namespace cages::nsm {
namespace {

using wire::NsmAttestationRequest;

constexpr std::string_view kModule = "i-0123456789abcdef0-enc019b8596b1a9dad6";

// The client asks the module without a socket between them.
class Direct final : public attest::NsmChannel {
 public:
  explicit Direct(Module& module) : module_(module) {}
  Result<Bytes> exchange(ByteView request) override { return module_.answer(request).bytes; }

 private:
  Module& module_;
};

PlatformPcrs measured() {
  PlatformPcrs pcrs{};
  pcrs[0].fill(0x10);
  pcrs[1].fill(0x11);
  pcrs[2].fill(0x12);
  return pcrs;
}

class ModuleTest : public ::testing::Test {
 protected:
  ModuleTest()
      : module_(measured(),
                Authority(DevelopmentRoot::create(clock_, random_).value(), ModuleId::parse(kModule).value(), clock_, random_),
                clock_, random_),
        nsm_(std::make_unique<Direct>(module_)) {}

  template <class T>
  std::string refusal(const Result<T>& outcome) {
    if (outcome) return "accepted";
    EXPECT_EQ(outcome.error().code, Code::NSM_REFUSED);
    return outcome.error().subject;
  }

  ManualClock clock_;
  crypto::SystemRandom random_;
  Module module_;
  attest::Nsm nsm_;
};

TEST_F(ModuleTest, DescribesItself) {
  const auto description = nsm_.describe().value();
  EXPECT_EQ(description.module_id, kModule);
  EXPECT_EQ(description.max_pcrs, 32);
  EXPECT_EQ(description.digest, "SHA384");
  EXPECT_EQ(description.locked_pcrs.size(), 16U);
  EXPECT_EQ(description.locked_pcrs.back(), 15);
}

TEST_F(ModuleTest, StartsWithThePlatformsRegistersLocked) {
  EXPECT_EQ(hex(nsm_.describe_pcr(0).value().value), hex(Bytes(48, 0x10)));
  EXPECT_TRUE(nsm_.describe_pcr(15).value().locked);
  EXPECT_FALSE(nsm_.describe_pcr(16).value().locked);
  EXPECT_TRUE(all_zero(nsm_.describe_pcr(31).value().value));
  EXPECT_EQ(refusal(nsm_.describe_pcr(32)), "InvalidIndex");
  EXPECT_EQ(refusal(nsm_.extend_pcr(0, Bytes{1})), "ReadOnlyIndex");
  EXPECT_EQ(refusal(nsm_.extend_pcr(15, Bytes{1})), "ReadOnlyIndex");
  EXPECT_EQ(refusal(nsm_.lock_pcr(15)), "ReadOnlyIndex");
}

TEST_F(ModuleTest, ExtendsByHashingOldAndNew) {
  const Bytes once = nsm_.extend_pcr(16, Bytes{1, 2, 3}).value();
  Bytes expected(48);
  append(expected, Bytes{1, 2, 3});
  EXPECT_EQ(hex(once), hex(crypto::sha384(expected)));
  const Bytes twice = nsm_.extend_pcr(16, {}).value();
  EXPECT_EQ(hex(twice), hex(crypto::sha384(once)));
  EXPECT_EQ(refusal(nsm_.extend_pcr(32, Bytes{1})), "InvalidIndex");
  EXPECT_EQ(refusal(nsm_.extend_pcr(65535, Bytes{1})), "InvalidIndex");
}

TEST_F(ModuleTest, LocksForGood) {
  EXPECT_TRUE(nsm_.lock_pcr(16));
  EXPECT_EQ(refusal(nsm_.lock_pcr(16)), "ReadOnlyIndex");
  EXPECT_EQ(refusal(nsm_.extend_pcr(16, Bytes{1})), "ReadOnlyIndex");
  EXPECT_TRUE(nsm_.extend_pcr(17, Bytes{1}));
  EXPECT_EQ(refusal(nsm_.lock_pcr(32)), "InvalidIndex");
}

TEST_F(ModuleTest, LocksARangeThatEndsBeforeItsNumber) {
  EXPECT_TRUE(nsm_.lock_pcrs(0));
  EXPECT_TRUE(nsm_.lock_pcrs(20));
  EXPECT_TRUE(nsm_.describe_pcr(19).value().locked);
  EXPECT_FALSE(nsm_.describe_pcr(20).value().locked);
  EXPECT_EQ(refusal(nsm_.lock_pcrs(33)), "InvalidIndex");
  EXPECT_FALSE(nsm_.describe_pcr(31).value().locked) << "a refused range locks nothing";
  EXPECT_TRUE(nsm_.lock_pcrs(32));
  EXPECT_EQ(nsm_.describe().value().locked_pcrs.size(), 32U);
}

TEST_F(ModuleTest, GivesOtherRandomBytesEachTime) {
  const Secret one = nsm_.random().value();
  const Secret two = nsm_.random().value();
  EXPECT_EQ(one.size(), 256U);
  EXPECT_FALSE(one == two);
}

TEST_F(ModuleTest, BoundsWhatADocumentCarries) {
  const auto attest_with = [&](std::size_t user_data, std::size_t nonce, std::size_t key) {
    return refusal(nsm_.attestation({.user_data = Bytes(user_data), .nonce = Bytes(nonce), .public_key = Bytes(key)}));
  };
  EXPECT_EQ(attest_with(1024, 1024, 1024), "accepted");
  EXPECT_EQ(attest_with(0, 0, 1), "accepted");
  EXPECT_EQ(attest_with(1025, 0, 1), "InputTooLarge");
  EXPECT_EQ(attest_with(0, 1025, 1), "InputTooLarge");
  EXPECT_EQ(attest_with(0, 0, 1025), "InputTooLarge");
  EXPECT_EQ(attest_with(0, 0, 0), "InvalidArgument");
}

TEST_F(ModuleTest, AnswersRequestsThatAreNone) {
  const auto answer = [&](const Bytes& request) {
    return std::string(wire::nsm_status_name(
        std::get<wire::NsmRefusal>(wire::parse_nsm_response(module_.answer(request).bytes).value()).status));
  };
  EXPECT_EQ(answer({}), "InvalidOperation");
  EXPECT_EQ(answer({0xff}), "InvalidOperation");
  EXPECT_EQ(answer(Bytes(4097, 0xf6)), "InputTooLarge");
  EXPECT_EQ(answer(parse_hex("a16b4465736372696265504352a0").value()), "InvalidArgument");
}

TEST_F(ModuleTest, WritesDocumentsAsRealOnesAreWritten) {
  const Bytes document = nsm_.attestation({.user_data = {}, .nonce = Bytes{7}, .public_key = {}}).value();
  EXPECT_TRUE(hex(document).starts_with("8444a1013822a059"));
  EXPECT_EQ(hex(document).substr(2 * 10, 2 + 2 * 10), "bf" "696d6f64756c655f6964") << "an indefinite outer map, module_id first";
  EXPECT_EQ(hex(ByteView(document).last(98).first(2)), "5860");
}

}  // namespace
}  // namespace cages::nsm
