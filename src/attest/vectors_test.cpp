// SPDX-License-Identifier: Apache-2.0
// The verifier over the shared vectors, in process (so that sanitizers see it). tests/e2e/verify_vectors_test.py does the same
// and more through the program.
#include <gtest/gtest.h>

#include <cstdlib>

#include "attest/verify.h"
#include "base/file.h"
#include "base/json.h"
#include "crypto/key.h"
#include "wire/cose.h"

namespace cages::attest {
namespace {

std::string vectors() {
  const char* set = std::getenv("CAGE_VECTORS");
  return set != nullptr ? set : CAGES_SOURCE_DIR "/../shared/vectors";
}

Bytes load(const std::string& name) { return read_file(vectors() + "/" + name, 1 << 20).value(); }
Json load_json(const std::string& name) { return parse_json(as_text(load(name)), 1 << 22).value(); }

class Vectors : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(vectors() + "/attestation")) GTEST_SKIP() << "no vectors at " << vectors() << " (set CAGE_VECTORS)";
  }
};

std::string verdict(ByteView document, const TrustRoot& root, std::int64_t time, const policy::AttestationPolicy& rules) {
  const auto verified = verify(document, std::span(&root, 1), time, policy::admit(rules).value());
  return verified ? "" : error_class(verified.error());
}

policy::AttestationPolicy rules_of(const Json& manifest, std::string_view file) {
  policy::AttestationPolicy rules;
  rules.any_pcrs = true;
  const std::string_view name = file.substr(0, 3);
  if (name == "r91" || name == "r92") rules.nonce = parse_hex(manifest.text_or("expected_nonce", "")).value();
  if (name == "r93") rules.user_data = parse_hex(manifest.text_or("expected_user_data", "")).value();
  if (name == "s20") rules.skew_s = 0;
  return rules;
}

TEST_F(Vectors, SyntheticOnesHaveTheirClass) {
  const Json manifest = load_json("attestation/synthetic/manifest.json");
  const TrustRoot root = TrustRoot::development(load("attestation/synthetic/root.der")).value();
  std::size_t seen = 0;
  for (const auto& [name, member] : *manifest.as_object()) {
    if (!member.is_array()) continue;
    for (const Json& vector : *member.as_array()) {
      const std::string file = vector.text_or("file", "");
      const Bytes document = load("attestation/synthetic/" + file);
      const auto rules = rules_of(manifest, file);
      const std::int64_t time = vector.int_or("time", 0);
      EXPECT_EQ(verdict(document, root, time, rules), vector.text_or("error", "?")) << file;
      EXPECT_NE(verdict(document, production_root(), time, rules), "") << file;
      ++seen;
    }
  }
  EXPECT_GE(seen, 80U);
}

TEST_F(Vectors, RealOnesVerifyAtTheirTime) {
  const Json index = load_json("attestation/index.json");
  for (const Json& entry : *index.as_array()) {
    const std::string file = entry.text_or("file", "");
    const Bytes document = load(file);
    policy::AttestationPolicy rules;
    rules.any_pcrs = true;
    rules.allow_debug = true;
    const std::string error = verdict(document, production_root(), entry.int_or("timestamp_ms", 0) / 1000, rules);
    if (entry.text_or("expect", "") == "ACCEPT") {
      EXPECT_EQ(error, "") << file;
    } else {
      EXPECT_NE(error, "") << file;
    }
  }
}

// Certificates of AWS's, cut at every place, and documents with every byte changed: nothing crashes, nothing passes.
TEST_F(Vectors, RealOnesChangedAnywhereAreRefused) {
  const Bytes document = load("attestation/real/2026-01-03_nitro_validator_indef.cose");
  policy::AttestationPolicy rules;
  rules.any_pcrs = true;
  for (std::size_t at = 0; at < document.size(); at += 17) {
    Bytes changed = document;
    changed[at] ^= 0x10;
    EXPECT_NE(verdict(changed, production_root(), 1767472867, rules), "") << at;
  }
}

bool signed_by(const wire::CoseSign1& cose, std::string_view curve, const Bytes& x, const Bytes& y, ByteView external = {}) {
  Bytes point{4};
  append(point, x);
  append(point, y);
  const auto which = curve == "P-256" ? crypto::Curve::p256 : curve == "P-384" ? crypto::Curve::p384 : crypto::Curve::p521;
  return crypto::PublicKey::from_point(which, point)
      .value()
      .verify(wire::cose_to_be_signed(cose.protected_header, cose.payload, external), cose.signature);
}

TEST_F(Vectors, CoseExamplesOfAwslabs) {
  const Json file = load_json("cose/awslabs_cose_sign1.json");
  for (const auto& [name, example] : *file.find("docs")->as_object()) {
    const Bytes bytes = parse_hex(example.text_or("hex", "")).value();
    const auto cose = wire::parse_cose_sign1(bytes);
    if (name.ends_with("invalid_tag")) {
      ASSERT_FALSE(cose) << name;
      EXPECT_EQ(error_class(cose.error()), "COSE_TAG") << name;
      continue;
    }
    if (bytes.size() > 3 && bytes[0] == 0xd9) {  // tag 18 in a longer head than it needs
      EXPECT_EQ(cose ? "" : error_class(cose.error()), "NON_MINIMAL") << name;
      continue;
    }
    ASSERT_TRUE(cose) << name << describe(cose.error());
    const char* const curve = name.contains("ec256") ? "P-256" : name.contains("ec384") ? "P-384" : "P-521";
    const Json* key = file.find("keys")->find(curve);
    EXPECT_EQ(signed_by(*cose, curve, parse_hex(key->text_or("x", "")).value(), parse_hex(key->text_or("y", "")).value()),
              !name.contains("tampered"))
        << name;
    EXPECT_EQ(error_class(wire::require_empty_unprotected(*cose).error()), "COSE_UNPROTECTED") << name;
  }
}

TEST_F(Vectors, CoseExamplesOfTheWorkingGroup) {
  std::size_t seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(vectors() + "/cose")) {
    const std::string file = entry.path().filename();
    if (!file.starts_with("cosewg_")) continue;
    const Json json = load_json("cose/" + file);
    const Bytes bytes = parse_hex(json.find("output")->text_or("cbor", "")).value();
    const Json* input = json.find("input");
    const Json* signer = input->find("sign0");
    const auto cose = wire::parse_cose_sign1(bytes);
    ++seen;
    if (signer == nullptr) {  // COSE_Sign, another structure
      EXPECT_EQ(cose ? "" : error_class(cose.error()), "COSE_TAG") << file;
      continue;
    }
    const bool fail_flag = json.find("fail") != nullptr;
    const Json* key = signer->find("key");
    const std::string curve = key->text_or("crv", "");
    const bool verifies =
        cose && signed_by(*cose, curve, parse_base64url(key->text_or("x", "")).value(),
                          parse_base64url(key->text_or("y", "")).value(), parse_hex(signer->text_or("external", "")).value());
    if (verifies) {
      EXPECT_FALSE(fail_flag) << file;
    } else if (!fail_flag) {
      // Refused though valid COSE: more than one protected parameter, none, or a hash that is not the curve's.
      EXPECT_TRUE(!cose) << file;
      const std::string error = cose ? "" : error_class(cose.error());
      EXPECT_TRUE(error == "COSE_HEADER" || error == "COSE_ALG" || error == "COSE_SIGNATURE_LENGTH") << file << " " << error;
    }
  }
  EXPECT_GE(seen, 10U);
}

}  // namespace
}  // namespace cages::attest
