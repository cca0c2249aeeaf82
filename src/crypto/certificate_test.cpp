// SPDX-License-Identifier: Apache-2.0
#include "crypto/certificate.h"

#include <gtest/gtest.h>

#include <array>

namespace cages::crypto {
namespace {

const WallTime kStart = from_unix_seconds(1'767'225'600);

CertificateFields fields(std::string_view name) {
  return {{1, 2, 3}, common_name(name).value(), common_name(name).value(), kStart, kStart + std::chrono::hours(1), {}};
}

TEST(Certificate, RoundTripsThroughDerAndPem) {
  for (const Curve curve : {Curve::p256, Curve::p384, Curve::p521}) {
    const PrivateKey key = PrivateKey::generate(curve).value();
    CertificateFields wanted = fields("root");
    wanted.extensions = {basic_constraints(true, 0), key_usage({KeyUsage::key_cert_sign, KeyUsage::crl_sign}),
                         subject_key_id(key_id(key.public_key())), authority_key_id(key_id(key.public_key()))};
    const Certificate made = issue(wanted, key.public_key(), key).value();
    const Certificate read = Certificate::from_pem(made.pem()).value();
    EXPECT_EQ(read.der(), made.der());
    EXPECT_EQ(read.public_key().spki(), key.public_key().spki());
    EXPECT_TRUE(read.signed_by(key.public_key()));
    EXPECT_FALSE(read.signed_by(PrivateKey::generate(curve).value().public_key()));
    EXPECT_EQ(read.subject(), wanted.subject);
    EXPECT_EQ(read.issuer(), wanted.issuer);
    EXPECT_EQ(read.serial(), wanted.serial);
    EXPECT_EQ(read.not_before(), wanted.not_before);
    EXPECT_EQ(read.not_after(), wanted.not_after);
    EXPECT_EQ(read.subject_text(), "root");
    EXPECT_FALSE(read.subject_text(oid::kCountry));
  }
}

// RFC 5280 §4.2.1: the encodings, written out by hand.
TEST(Certificate, EncodesExtensionsAsTheStandardSays) {
  EXPECT_EQ(hex(basic_constraints(true, 0).value), "30060101ff020100");
  EXPECT_EQ(hex(basic_constraints(true).value), "30030101ff");
  EXPECT_EQ(hex(basic_constraints(false).value), "3000");
  EXPECT_EQ(hex(key_usage({KeyUsage::digital_signature}).value), "03020780");
  EXPECT_EQ(hex(key_usage({KeyUsage::digital_signature, KeyUsage::key_cert_sign, KeyUsage::crl_sign}).value), "03020186");
  EXPECT_EQ(hex(key_usage({KeyUsage::digital_signature, KeyUsage::non_repudiation}, false).value), "030206c0");
  const std::array<std::string_view, 1> server{oid::kServerAuth};
  EXPECT_EQ(hex(extended_key_usage(server).value().value), "300a06082b06010505070301");
  const std::vector<std::string> names{"a.b"};
  EXPECT_EQ(hex(subject_alt_dns(names).value), "30058203612e62");
  EXPECT_EQ(hex(name_constraints(names).value),
            "3043a0073005"
            "8203612e62"
            "a138"
            "30028100"
            "30028600"
            "300a87080000000000000000"
            "30228720" + std::string(64, '0'));
  EXPECT_EQ(hex(authority_key_id(Bytes{7}).value), "3003800107");
}

TEST(Certificate, KeepsOrderedNamesExtensionsAndCriticalBits) {
  const PrivateKey key = PrivateKey::generate(Curve::p384).value();
  const std::array<NameAttribute, 3> attributes{{{oid::kCountry, "US"}, {oid::kOrganisation, "Örg"}, {oid::kCommonName, "x"}}};
  CertificateFields wanted = fields("x");
  wanted.subject = encode_name(attributes).value();
  wanted.extensions = {{"2.25.329800735698586629295641978511506172918", false, {4, 1, 9}}, basic_constraints(false)};
  const Certificate made = issue(wanted, key.public_key(), key).value();
  EXPECT_EQ(made.subject(), wanted.subject);
  EXPECT_EQ(made.subject_text(oid::kOrganisation), "Örg");
  const auto found = made.extension(wanted.extensions[0].oid);
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->critical);
  EXPECT_EQ(found->value, wanted.extensions[0].value);
  EXPECT_TRUE(made.extension(oid::kBasicConstraints)->critical);
  EXPECT_FALSE(made.extension(oid::kKeyUsage));
}

TEST(Certificate, RefusesWhatItCannotEncode) {
  const PrivateKey key = PrivateKey::generate(Curve::p256).value();
  CertificateFields bad = fields("x");
  bad.serial = Bytes(21, 1);
  EXPECT_EQ(issue(bad, key.public_key(), key).error().code, Code::INTERNAL);
  bad.serial = Bytes(3);
  EXPECT_EQ(issue(bad, key.public_key(), key).error().code, Code::INTERNAL);
  bad = fields("x");
  bad.subject.push_back(0);
  EXPECT_EQ(issue(bad, key.public_key(), key).error().code, Code::INTERNAL);
  bad = fields("x");
  bad.extensions = {{"not an oid", false, {}}};
  EXPECT_EQ(issue(bad, key.public_key(), key).error().code, Code::INTERNAL);
}

TEST(Certificate, RefusesBytesThatAreNone) {
  const PrivateKey key = PrivateKey::generate(Curve::p256).value();
  Bytes der = issue(fields("x"), key.public_key(), key).value().der();
  der.push_back(0);
  EXPECT_EQ(Certificate::from_der(der).error().code, Code::CERTIFICATE);
  EXPECT_EQ(Certificate::from_der({}).error().code, Code::CERTIFICATE);
  EXPECT_EQ(Certificate::from_der(Bytes(limits::kX509BytesMax + 1)).error().code, Code::CERTIFICATE);
  EXPECT_EQ(Certificate::from_pem("nothing").error().code, Code::PEM);
}

TEST(Csr, ProvesPossessionOfItsKey) {
  const PrivateKey key = PrivateKey::generate(Curve::p256).value();
  const Bytes der = make_csr(key, common_name("host").value()).value();
  const Csr csr = Csr::from_der(der).value();
  EXPECT_EQ(csr.public_key().spki(), key.public_key().spki());
  EXPECT_EQ(csr.subject(), common_name("host").value());
  Bytes broken = der;
  broken.back() ^= 1;
  EXPECT_EQ(Csr::from_der(broken).error().code, Code::CSR_SIGNATURE);
  Bytes longer = der;
  longer.push_back(0);
  EXPECT_EQ(Csr::from_der(longer).error().code, Code::CSR);
  EXPECT_EQ(Csr::from_der(Bytes(limits::kCsrBytesMax + 1)).error().code, Code::CSR);
  EXPECT_EQ(Csr::from_der({}).error().code, Code::CSR);
}

}  // namespace
}  // namespace cages::crypto
