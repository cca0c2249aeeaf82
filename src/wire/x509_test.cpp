// SPDX-License-Identifier: Apache-2.0
#include "wire/x509.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/file.h"
#include "wire/oids.h"
#include "wire/pem.h"

namespace cages::wire {
namespace {

Bytes vector(const std::string& name) {
  return read_file(std::string(CAGES_SOURCE_DIR "/tests/vectors/attestation/") + name, 4096).value();
}

TEST(Certificate, ReadsALeaf) {
  const Bytes der = vector("leaf.der");
  const Certificate leaf = parse_certificate(der).value();
  EXPECT_EQ(leaf.version, 3U);
  EXPECT_EQ(hex(leaf.serial), "05");
  EXPECT_EQ(leaf.signature_algorithm, SignatureAlgorithm::ecdsa_sha384);
  EXPECT_EQ(leaf.key_type, KeyType::p384);
  EXPECT_EQ(leaf.point.size(), 97U);
  EXPECT_EQ(leaf.spki.size(), 120U);
  EXPECT_EQ(leaf.not_before, 1767225597);
  EXPECT_EQ(leaf.not_after, 1767236400);
  EXPECT_FALSE(leaf.basic_constraints->ca);
  EXPECT_FALSE(leaf.basic_constraints->path_length);
  EXPECT_EQ(*leaf.key_usage, 0b11);
  EXPECT_FALSE(leaf.unknown_critical);
  EXPECT_EQ(leaf.extensions.size(), 2U);
  EXPECT_NE(leaf.find_extension(oid::kKeyUsage), nullptr);
  EXPECT_EQ(leaf.find_extension(oid::kEvidence), nullptr);
  EXPECT_EQ(common_name(leaf.subject).value(), "i-0123456789abcdef0-enc0123456789abcdef.us-test-1.synthetic");
}

TEST(Certificate, ReadsIssuers) {
  const Bytes der = vector("zonal.der");
  const Certificate zonal = parse_certificate(der).value();
  EXPECT_TRUE(zonal.basic_constraints->ca);
  EXPECT_EQ(zonal.basic_constraints->path_length, 1U);
  EXPECT_EQ(*zonal.key_usage, key_usage::kDigitalSignature | key_usage::kKeyCertSign | key_usage::kCrlSign);
  const Bytes root_der = vector("root.der");
  const Certificate root = parse_certificate(root_der).value();
  EXPECT_TRUE(equal(root.issuer, root.subject));
  EXPECT_FALSE(root.basic_constraints->path_length);
}

TEST(Certificate, RefusesWhatIsCutOrFollowed) {
  const Bytes der = vector("leaf.der");
  for (std::size_t length = 0; length < der.size(); ++length) {
    EXPECT_EQ(parse_certificate(ByteView(der).first(length)).error().code, Code::CERTIFICATE_PARSE) << length;
  }
  Bytes longer = der;
  longer.push_back(0);
  EXPECT_EQ(parse_certificate(longer).error().code, Code::CERTIFICATE_PARSE);
}

// No changed byte crashes the reader, and every length byte that changes is noticed.
TEST(Certificate, SurvivesEveryChangedByte) {
  const Bytes der = vector("leaf.der");
  for (std::size_t at = 0; at < der.size(); ++at) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      Bytes changed = der;
      changed[at] ^= static_cast<Byte>(flip);
      const auto parsed = parse_certificate(changed);
      if (parsed) {
        (void)common_name(parsed->subject);
      }
    }
  }
}

// A change inside the DER of the leaf: `from` becomes `to`, which has the same length.
Code changed(std::string_view from, std::string_view to) {
  Bytes der = vector("leaf.der");
  const Bytes old_bytes = parse_hex(from).value();
  const Bytes new_bytes = parse_hex(to).value();
  const auto found = std::search(der.begin(), der.end(), old_bytes.begin(), old_bytes.end());
  EXPECT_NE(found, der.end()) << from;
  std::copy(new_bytes.begin(), new_bytes.end(), found);
  const auto parsed = parse_certificate(der);
  return parsed ? Code::INTERNAL : parsed.error().code;
}

TEST(Certificate, RefusesOtherEncodings) {
  EXPECT_EQ(changed("a003020102", "a003020102"), Code::INTERNAL);          // nothing changed: accepted
  EXPECT_EQ(changed("a003020102", "a003020103"), Code::CERTIFICATE_PARSE);  // version 4
  EXPECT_EQ(changed("a003020102", "a003020100"), Code::CERTIFICATE_PARSE);  // a default, encoded
  EXPECT_EQ(changed("a003020102", "a003020101"), Code::CERTIFICATE_PARSE);  // extensions in version 2
  EXPECT_EQ(changed("0101ff", "010101"), Code::CERTIFICATE_PARSE);
  EXPECT_EQ(changed("0101ff", "010100"), Code::CERTIFICATE_PARSE);
  EXPECT_EQ(changed("0404030206c0", "0404030205c0"), Code::CERTIFICATE_PARSE);  // named bits not minimal
  EXPECT_EQ(changed("0603551d0f", "0603551d13"), Code::CERTIFICATE_PARSE);      // basicConstraints twice
  EXPECT_EQ(changed("06082a8648ce3d040303", "06082a8648ce3d040302"), Code::CERTIFICATE_PARSE);  // inner only
  EXPECT_EQ(changed("170d", "180d"), Code::CERTIFICATE_PARSE);
  EXPECT_EQ(changed("03620004", "03620104"), Code::CERTIFICATE_PARSE);
  EXPECT_EQ(changed("03620004", "03620002"), Code::CERTIFICATE_PARSE);  // compressed point
}

TEST(Certificate, UnknownCriticalExtensionsAreNamed) {
  Bytes der = vector("leaf.der");
  const Bytes constraints = parse_hex("0603551d130101ff").value();
  const auto found = std::search(der.begin(), der.end(), constraints.begin(), constraints.end());
  ASSERT_NE(found, der.end());
  found[4] = 0x24;  // policyConstraints
  const Certificate parsed = parse_certificate(der).value();
  ASSERT_TRUE(parsed.unknown_critical);
  EXPECT_EQ(hex(*parsed.unknown_critical), "551d24");
}

TEST(Pem, IsOneBlockOfItsLabel) {
  const Bytes der = vector("root.der");
  const std::string text = write_pem(der, kPemCertificate);
  EXPECT_EQ(parse_pem(text, kPemCertificate).value(), der);
  EXPECT_EQ(parse_pem("\n\r\n" + text + "\n", kPemCertificate).value(), der);
  EXPECT_EQ(parse_pem_list(text + text, kPemCertificate).value().size(), 2U);
  for (const std::string& bad : {std::string(), text + text, "x\n" + text, text + "x", text.substr(0, 200),
                                 std::string("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"),
                                 std::string("-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n")}) {
    EXPECT_EQ(parse_pem(bad, kPemCertificate).error().code, Code::PEM);
  }
  EXPECT_EQ(parse_pem(text, "PUBLIC KEY").error().code, Code::PEM);
}

}  // namespace
}  // namespace cages::wire
