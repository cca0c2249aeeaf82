// SPDX-License-Identifier: Apache-2.0
#include "attest/core/chain.h"

#include <gtest/gtest.h>

namespace cages::attest {
namespace {

constexpr std::int64_t kNow = 1'767'225'660;
const Bytes kPoint(97, 4);
const Bytes kBody(10, 0x30);
const Bytes kSignature = parse_hex("3006020101020101").value();
const std::vector<Bytes> kNames{{0}, {1}, {2}, {3}, {4}};
const Bytes kOid{0x55, 0x1d, 0x24};

// Root, three issuers and a leaf, all in order; each test breaks one thing.
std::vector<wire::Certificate> good_chain() {
  std::vector<wire::Certificate> chain(5);
  for (std::size_t i = 0; i < chain.size(); ++i) {
    wire::Certificate& certificate = chain[i];
    certificate.tbs = kBody;
    certificate.version = 3;
    certificate.signature_algorithm = wire::SignatureAlgorithm::ecdsa_sha384;
    certificate.signature = kSignature;
    certificate.issuer = kNames[i == 0 ? 0 : i - 1];
    certificate.subject = kNames[i];
    certificate.not_before = kNow - 10;
    certificate.not_after = kNow + 10;
    certificate.key_type = wire::KeyType::p384;
    certificate.point = kPoint;
    if (i < 4) {
      certificate.basic_constraints = wire::BasicConstraints{true, std::nullopt};
      if (i > 0) certificate.basic_constraints->path_length = static_cast<std::uint32_t>(3 - i);
      certificate.key_usage = wire::key_usage::kKeyCertSign;
    } else {
      certificate.basic_constraints = wire::BasicConstraints{};
      certificate.key_usage = wire::key_usage::kDigitalSignature | 2;
    }
  }
  return chain;
}

std::string class_of(const std::vector<wire::Certificate>& chain, std::int64_t now = kNow) {
  const auto walked = walk_chain(chain, now);
  if (!walked) return error_class(walked.error());
  return walked->refusal ? error_class(*walked->refusal) : "";
}

TEST(Chain, OwesOneSignatureAPerLinkInOrder) {
  const auto walked = walk_chain(good_chain(), kNow).value();
  EXPECT_FALSE(walked.refusal);
  ASSERT_EQ(walked.obligations.size(), 4U);
  for (const Obligation& obligation : walked.obligations) {
    EXPECT_EQ(obligation.when_bad, Code::CHAIN_SIGNATURE);
    EXPECT_EQ(obligation.signature.size(), 96U);
    EXPECT_EQ(obligation.message, kBody);
    EXPECT_EQ(obligation.key, kPoint);
  }
  EXPECT_EQ(walked.obligations.back().subject, "certificate");
}

TEST(Chain, ASignatureThatIsNoneIsOwedAllTheSame) {
  auto chain = good_chain();
  chain[2].signature = kBody;
  const auto walked = walk_chain(chain, kNow).value();
  EXPECT_TRUE(walked.obligations[1].signature.empty());
}

TEST(Chain, NamesHaveToMeet) {
  auto chain = good_chain();
  chain[3].issuer = kNames[4];
  const auto walked = walk_chain(chain, kNow).value();
  ASSERT_TRUE(walked.refusal);
  EXPECT_EQ(walked.refusal->code, Code::CHAIN_NAME);
  EXPECT_EQ(walked.obligations.back().when_bad, Code::CHAIN);
  EXPECT_EQ(walked.obligations.size(), 3U);
}

TEST(Chain, RefusesEachCertificateByItsForm) {
  for (std::size_t i = 0; i < 5; ++i) {
    auto chain = good_chain();
    chain[i].version = 1;
    EXPECT_EQ(class_of(chain), "CERT_VERSION");
    chain = good_chain();
    chain[i].unknown_critical = kOid;
    EXPECT_EQ(class_of(chain), "CERT_CRITICAL_EXTENSION");
    chain = good_chain();
    chain[i].key_type = wire::KeyType::p256;
    EXPECT_EQ(class_of(chain), i == 4 ? "LEAF_KEY_TYPE" : "CHAIN_KEY_TYPE");
    chain = good_chain();
    chain[i].not_before = kNow + 1;
    EXPECT_EQ(class_of(chain), "CERT_NOT_YET_VALID");
    EXPECT_EQ(class_of(chain, kNow + 1), "");
    chain = good_chain();
    chain[i].not_after = kNow - 1;
    EXPECT_EQ(class_of(chain), "CERT_EXPIRED");
    EXPECT_EQ(class_of(chain, kNow - 1), "");
    if (i == 0) continue;  // the root's own signature is not looked at: its bytes are pinned
    chain = good_chain();
    chain[i].signature_algorithm = wire::SignatureAlgorithm::ecdsa_sha256;
    EXPECT_EQ(class_of(chain), "CHAIN_SIGNATURE_ALGORITHM");
  }
}

TEST(Chain, IssuersMayIssue) {
  for (std::size_t i = 0; i < 4; ++i) {
    auto chain = good_chain();
    chain[i].basic_constraints->ca = false;
    EXPECT_EQ(class_of(chain), "BASIC_CONSTRAINTS");
    chain[i].basic_constraints.reset();
    EXPECT_EQ(class_of(chain), "BASIC_CONSTRAINTS");
    chain = good_chain();
    chain[i].key_usage.reset();
    EXPECT_EQ(class_of(chain), "KEY_USAGE");
    chain[i].key_usage = static_cast<std::uint16_t>(~wire::key_usage::kKeyCertSign);
    EXPECT_EQ(class_of(chain), "KEY_USAGE");
    if (i == 3) continue;
    chain = good_chain();
    chain[i].basic_constraints->path_length = static_cast<std::uint32_t>(2 - i);
    EXPECT_EQ(class_of(chain), "PATH_LENGTH");
  }
}

TEST(Chain, TheLeafMayOnlySign) {
  auto chain = good_chain();
  chain[4].basic_constraints.reset();
  EXPECT_EQ(class_of(chain), "");
  chain[4].basic_constraints = wire::BasicConstraints{true, std::nullopt};
  EXPECT_EQ(class_of(chain), "LEAF_CONSTRAINTS");
  chain[4].basic_constraints = wire::BasicConstraints{false, 0};
  EXPECT_EQ(class_of(chain), "LEAF_CONSTRAINTS");
  chain = good_chain();
  chain[4].key_usage.reset();
  EXPECT_EQ(class_of(chain), "LEAF_KEY_USAGE");
  chain[4].key_usage = wire::key_usage::kDigitalSignature | wire::key_usage::kKeyCertSign;
  EXPECT_EQ(class_of(chain), "LEAF_KEY_USAGE");
}

TEST(Chain, NeedsARootAndALeaf) {
  EXPECT_EQ(class_of({}), "CHAIN");
  EXPECT_EQ(class_of({good_chain()[0]}), "CHAIN");
}

}  // namespace
}  // namespace cages::attest
