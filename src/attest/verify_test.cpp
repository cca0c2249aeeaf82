// SPDX-License-Identifier: Apache-2.0
#include "attest/verify.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "support/test_authority.h"
#include "wire/cbor.h"
#include "wire/cose.h"

namespace cages::attest {
namespace {

constexpr std::int64_t kNow = 1'767'225'660;

policy::AdmittedPolicy any_code() {
  policy::AttestationPolicy rules;
  rules.any_pcrs = true;
  return policy::admit(rules).value();
}

std::string verdict(ByteView document, const TrustRoot& root, std::int64_t now = kNow) {
  const auto verified = verify(document, std::span(&root, 1), now, any_code());
  return verified ? "" : error_class(verified.error());
}

TEST(Verify, MakesAVerifiedOfAGoodDocument) {
  const test::TestAuthority authority(kNow);
  wire::DocumentClaims claims = authority.claims();
  claims.user_data = Bytes{1};
  const Bytes document = authority.document(claims);
  const TrustRoot roots[] = {production_root(), authority.root()};
  policy::AttestationPolicy rules;
  rules.pcr_sets = {policy::PcrSet{{{0, claims.pcrs.at(1)}}, {}}, policy::PcrSet{{{0, claims.pcrs.at(0)}}, {}}};
  rules.user_data = claims.user_data;
  const Verified verified = verify(document, roots, kNow, policy::admit(rules).value()).value();
  EXPECT_EQ(verified.claims().module_id, claims.module_id);
  EXPECT_EQ(verified.claims().pcrs, claims.pcrs);
  EXPECT_EQ(verified.evidence_class(), authority.root().evidence_class());
  EXPECT_TRUE(verified.evidence_class().starts_with("development:"));
  EXPECT_FALSE(verified.debug());
  EXPECT_EQ(verified.pcr_set(), 1U);
  EXPECT_EQ(verified.leaf_not_after(), kNow + 10800);
  EXPECT_EQ(verified.document_digest(), crypto::sha384(document));
}

TEST(Verify, TrustsTheRootsOfItsCallerAlone) {
  const test::TestAuthority authority(kNow);
  const Bytes document = authority.document(authority.claims());
  EXPECT_EQ(verdict(document, authority.root()), "");
  EXPECT_EQ(verdict(document, production_root()), "UNTRUSTED_ROOT");
  EXPECT_EQ(verdict(document, test::TestAuthority(kNow).root()), "UNTRUSTED_ROOT");
  EXPECT_EQ(error_class(verify(document, {}, kNow, any_code()).error()), "UNTRUSTED_ROOT");
}

TEST(Verify, TheProductionRootIsAwssAndCallsItselfNitro) {
  EXPECT_EQ(hex(crypto::sha256(production_root().der())), "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b");
  EXPECT_EQ(production_root().evidence_class(), "nitro");
  EXPECT_TRUE(production_root().is_production());
}

// No bit of a document is without meaning, but for the redundancy of an ECDSA signature (its twin, which no flip makes).
TEST(Verify, RefusesEveryFlippedBit) {
  const test::TestAuthority authority(kNow);
  const Bytes document = authority.document(authority.claims());
  const TrustRoot root = authority.root();
  for (std::size_t at = 0; at < document.size(); at += 19) {
    Bytes changed = document;
    changed[at] ^= static_cast<Byte>(1U << (at % 8));
    EXPECT_NE(verdict(changed, root), "") << at;
  }
}

TEST(Verify, RefusesEveryPrefix) {
  const test::TestAuthority authority(kNow);
  const Bytes document = authority.document(authority.claims());
  const TrustRoot root = authority.root();
  for (std::size_t length = 0; length < document.size(); length += 41) {
    EXPECT_NE(verdict(ByteView(document).first(length), root), "") << length;
  }
}

TEST(Verify, EachSignatureCounts) {
  const test::TestAuthority authority(kNow);
  const TrustRoot root = authority.root();
  const wire::UnverifiedDocument whole = authority.unsigned_document(authority.claims());
  for (std::size_t i = 1; i < whole.cabundle.size() + 1; ++i) {
    wire::UnverifiedDocument changed = whole;
    Bytes& certificate = i < whole.cabundle.size() ? changed.cabundle[i] : changed.certificate;
    certificate.back() ^= 1;  // the end of s
    EXPECT_EQ(verdict(authority.sign(wire::write_payload(changed)), root), "CHAIN_SIGNATURE") << i;
  }
  Bytes document = authority.document(authority.claims());
  document.back() ^= 1;
  EXPECT_EQ(verdict(document, root), "COSE_SIGNATURE");
}

TEST(Verify, TheChainIsTakenInItsOrder) {
  const test::TestAuthority authority(kNow);
  const TrustRoot root = authority.root();
  const auto changed = [&](auto change) {
    wire::UnverifiedDocument document = authority.unsigned_document(authority.claims());
    change(document.cabundle);
    return verdict(authority.sign(wire::write_payload(document)), root);
  };
  EXPECT_EQ(changed([](auto& bundle) { std::swap(bundle[1], bundle[2]); }), "CHAIN");
  EXPECT_EQ(changed([](auto& bundle) { bundle.erase(bundle.begin() + 2); }), "CHAIN");
  EXPECT_EQ(changed([](auto& bundle) { bundle.insert(bundle.begin() + 2, bundle[2]); }), "CHAIN");
  EXPECT_EQ(changed([](auto& bundle) { bundle.push_back(bundle[1]); }), "CHAIN");
  EXPECT_EQ(changed([](auto& bundle) { bundle.erase(bundle.begin()); }), "CABUNDLE_ROOT");
  EXPECT_EQ(changed([](auto& bundle) { bundle[0] = production_root().der(); }), "UNTRUSTED_ROOT");
  EXPECT_EQ(changed([](auto& bundle) { bundle[1].push_back(0); }), "CERTIFICATE_PARSE");
}

TEST(Verify, ACertificateUnderAWrongNameIsToldFromOneInAWrongPlace) {
  const test::TestAuthority authority(kNow, [](std::size_t place, crypto::CertificateFields& fields) {
    if (place == 4) fields.issuer = crypto::common_name("somebody else").value();
  });
  EXPECT_EQ(verdict(authority.document(authority.claims()), authority.root()), "CHAIN_NAME");
}

TEST(Verify, TheLeafIsOfThisModule) {
  const test::TestAuthority authority(kNow);
  wire::DocumentClaims claims = authority.claims();
  claims.module_id.back() = '0';
  EXPECT_EQ(verdict(authority.document(claims), authority.root()), "MODULE_ID");
  const test::TestAuthority prefix(kNow, [](std::size_t place, crypto::CertificateFields& fields) {
    if (place == 4) fields.subject = crypto::common_name("i-0f00dfeed00dfeed0-enc0f00dfeed00dfeed00.test.aws").value();
  });
  EXPECT_EQ(verdict(prefix.document(prefix.claims()), prefix.root()), "MODULE_ID");
  const test::TestAuthority nameless(kNow, [](std::size_t place, crypto::CertificateFields& fields) {
    if (place == 4) fields.subject = parse_hex("3000").value();
  });
  EXPECT_EQ(verdict(nameless.document(nameless.claims()), nameless.root()), "MODULE_ID");
}

TEST(Verify, OtherCurvesAndAlgorithmsAreRefused) {
  const test::TestAuthority p256(kNow, {}, crypto::Curve::p256);
  EXPECT_EQ(verdict(p256.document(p256.claims()), p256.root()), "LEAF_KEY_TYPE");
  const test::TestAuthority authority(kNow);
  const Bytes payload = wire::write_payload(authority.unsigned_document(authority.claims()));
  EXPECT_EQ(verdict(wire::write_cose_sign1(wire::CoseAlgorithm::es256, payload, Bytes(64)), authority.root()), "COSE_ALG");
}

TEST(Verify, TimeIsAnArgument) {
  const test::TestAuthority authority(kNow);
  const Bytes document = authority.document(authority.claims());
  const TrustRoot root = authority.root();
  EXPECT_EQ(verdict(document, root, kNow - 4), "CERT_NOT_YET_VALID");
  EXPECT_EQ(verdict(document, root, kNow + 900), "");
  EXPECT_EQ(verdict(document, root, kNow + 901), "TIMESTAMP_OLD");
  EXPECT_EQ(verdict(document, root, kNow + 10801), "CERT_EXPIRED");
  EXPECT_EQ(verdict(document, root, INT64_MIN), "CERT_NOT_YET_VALID");
  EXPECT_EQ(verdict(document, root, INT64_MAX), "CERT_EXPIRED");
}

TEST(Verify, BoundsWhatItReads) {
  EXPECT_EQ(verdict(Bytes(limits::kDocumentBytesMax + 1), production_root()), "DOCUMENT_LENGTH");
  EXPECT_EQ(verdict({}, production_root()), "CBOR");
}

TEST(Verify, SignaturesComeBeforePolicy) {
  const test::TestAuthority authority(kNow);
  wire::DocumentClaims claims = authority.claims();
  claims.pcrs = {{0, Pcr{}}, {1, Pcr{}}, {2, Pcr{}}};
  Bytes document = authority.document(claims);
  EXPECT_EQ(verdict(document, authority.root()), "DEBUG");
  document.back() ^= 1;
  EXPECT_EQ(verdict(document, authority.root()), "COSE_SIGNATURE");
}

// What the crypto-free part returns can make no Verified by itself: it owes five signatures.
TEST(Examine, OwesEverySignature) {
  const test::TestAuthority authority(kNow);
  const Bytes document = authority.document(authority.claims());
  const Bytes root = authority.root().der();
  const ByteView roots[] = {root};
  const Examined examined = examine(document, roots, kNow).value();
  ASSERT_EQ(examined.obligations.size(), 5U);
  EXPECT_EQ(examined.obligations.back().when_bad, Code::COSE_SIGNATURE);
}

}  // namespace
}  // namespace cages::attest
