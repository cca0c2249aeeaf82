// SPDX-License-Identifier: Apache-2.0
#include "crypto/release_statement.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "crypto/cose.h"

namespace cages::crypto {
namespace {

wire::ReleaseStatement sample() {
  wire::ReleaseStatement out;
  out.app = "payments";
  out.counter = 7;
  out.pcr0.fill(0x10);
  out.pcr1.fill(0x11);
  out.pcr2.fill(0x12);
  out.runtime = "0.1.0 networked x86_64";
  out.not_after = 1'800'000'000;
  return out;
}

TEST(ReleaseFile, SignedIsAcceptedUnderItsKeyOnly) {
  for (const Curve curve : {Curve::p256, Curve::p384}) {
    const auto key = PrivateKey::generate(curve).value();
    const auto other = PrivateKey::generate(curve).value();
    const RandomizedSigner signer(key);
    const std::string text = write_release_file(sample(), &signer).value();
    EXPECT_EQ(verify_release_file(text, key.public_key()).value(), sample());
    EXPECT_EQ(verify_release_file(text, other.public_key()).error().code, Code::RELEASE_STATEMENT);
  }
}

TEST(ReleaseFile, UnsignedSaysSoAndIsNeverVerified) {
  const auto key = PrivateKey::generate(Curve::p256).value();
  const std::string text = write_release_file(sample(), nullptr).value();
  EXPECT_NE(text.find("not signed"), std::string::npos);
  EXPECT_EQ(verify_release_file(text, key.public_key()).error().code, Code::RELEASE_STATEMENT);
  EXPECT_EQ(read_unsigned_release_file(text).value(), sample());
}

TEST(ReleaseFile, ShowsNothingButWhatIsSigned) {
  const auto key = PrivateKey::generate(Curve::p256).value();
  const RandomizedSigner signer(key);
  const std::string text = write_release_file(sample(), &signer).value();
  Json json = parse_json(text).value();
  json.set("counter", 8);
  EXPECT_EQ(verify_release_file(write_json(json), key.public_key()).error().subject, "fields");
}

TEST(ReleaseFile, OfAnotherSignedTextIsRefused) {
  const auto key = PrivateKey::generate(Curve::p256).value();
  const RandomizedSigner signer(key);
  Json json = parse_json(write_release_file(sample(), &signer).value()).value();
  json.set("signed", base64(sign_cose(as_bytes("cages/runtime-releases/1\n[]"), signer).value()));
  EXPECT_FALSE(verify_release_file(write_json(json), key.public_key()));
  json.set("signed", "AAAA");
  EXPECT_FALSE(verify_release_file(write_json(json), key.public_key()));
}

TEST(Cose, RefusesTagHeaderAndAnotherCurve) {
  const auto key = PrivateKey::generate(Curve::p256).value();
  const auto large = PrivateKey::generate(Curve::p384).value();
  const RandomizedSigner signer(key);
  const Bytes good = sign_cose(as_bytes("text"), signer).value();
  EXPECT_EQ(as_text(read_cose(good).value().payload), "text");
  EXPECT_TRUE(verify_cose(read_cose(good).value(), key.public_key()));
  EXPECT_EQ(verify_cose(read_cose(good).value(), large.public_key()).error().code, Code::COSE_ALG);
  Bytes tagged{0xd2};
  append(tagged, good);
  EXPECT_EQ(read_cose(tagged).error().code, Code::COSE_TAG);
  Bytes flipped = good;
  flipped.back() ^= 1;
  EXPECT_EQ(verify_cose(read_cose(flipped).value(), key.public_key()).error().code, Code::COSE_SIGNATURE);
}

}  // namespace
}  // namespace cages::crypto
