// SPDX-License-Identifier: Apache-2.0
#include "eif/signature.h"

#include <gtest/gtest.h>

#include <functional>

#include "eif/measure.h"
#include "wire/cbor.h"

namespace cages::eif {
namespace {

using wire::CborWriter;

const crypto::PrivateKey& test_key() {
  static const auto key = crypto::PrivateKey::generate(crypto::Curve::p384).value();
  return key;
}

const crypto::Certificate& test_certificate() {
  static const auto certificate = [] {
    const Bytes name = crypto::common_name("test").value();
    const crypto::CertificateFields fields{.serial = {1},
                                           .issuer = name,
                                           .subject = name,
                                           .not_before = from_unix_seconds(1'700'000'000),
                                           .not_after = from_unix_seconds(2'000'000'000),
                                           .extensions = {}};
    return crypto::issue(fields, test_key().public_key(), test_key()).value();
  }();
  return certificate;
}

const crypto::Digest384 kPcr0 = crypto::sha384(as_bytes("pcr0"));

CborWriter& integers(CborWriter& writer, ByteView bytes) {
  writer.array(bytes.size());
  for (const Byte byte : bytes) writer.uint(byte);
  return writer;
}

// The parts of a COSE_Sign1 that a test may get wrong.
struct Parts {
  std::int64_t algorithm = -35;
  std::uint64_t index = 0;
  Bytes pcr0 = to_bytes(ByteView(kPcr0));
  std::string context = "Signature1";
  bool unprotected = false;
};

Bytes cose(const Parts& parts) {
  const Bytes header = CborWriter().map(1).integer(1).integer(parts.algorithm).take();
  CborWriter payload;
  payload.map(2).text("register_index").uint(parts.index).text("register_value");
  integers(payload, parts.pcr0);
  const Bytes signed_bytes =
      CborWriter().array(4).text(parts.context).bytes(header).bytes({}).bytes(payload.view()).take();
  CborWriter out;
  out.array(4).bytes(header).map(parts.unprotected ? 1 : 0);
  if (parts.unprotected) out.integer(4).bytes(as_bytes("kid"));
  return out.bytes(payload.view()).bytes(test_key().sign(signed_bytes).value()).take();
}

std::string verdict(const Bytes& cose_bytes) {
  const auto verified = verify_signature({test_certificate().pem(), cose_bytes}, test_certificate(), kPcr0);
  return verified ? "accepted" : error_class(verified.error());
}

TEST(Signature, RoundTrips) {
  const crypto::RandomizedSigner signer(test_key());
  const Bytes section = make_signature(test_certificate(), signer, kPcr0).value();
  const Signature signature = parse_signature(section).value();
  const auto certificate = signing_certificate(signature).value();
  EXPECT_EQ(certificate.der(), test_certificate().der());
  EXPECT_TRUE(verify_signature(signature, certificate, kPcr0));
  EXPECT_EQ(write_signature(signature).value(), section);
}

TEST(Signature, IsRefusedForEachThingThatItDoesNotSay) {
  EXPECT_EQ(verdict(cose({})), "accepted");
  EXPECT_EQ(verdict(cose({.algorithm = -7})), "EIF_SIGNATURE_FORMAT");  // not the curve's, so neither the width
  EXPECT_EQ(verdict(cose({.index = 8})), "EIF_SIGNATURE");
  EXPECT_EQ(verdict(cose({.pcr0 = Bytes(48)})), "EIF_SIGNATURE");
  EXPECT_EQ(verdict(cose({.pcr0 = Bytes(47)})), "EIF_SIGNATURE");
  EXPECT_EQ(verdict(cose({.context = "Signature"})), "EIF_SIGNATURE");
  EXPECT_EQ(verdict(cose({.unprotected = true})), "EIF_SIGNATURE_FORMAT");
  Bytes flipped = cose({});
  flipped.back() ^= 1;
  EXPECT_EQ(verdict(flipped), "EIF_SIGNATURE");
  Bytes longer = cose({});
  longer.push_back(0);
  EXPECT_EQ(verdict(longer), "EIF_SIGNATURE_FORMAT");
  Bytes tagged{0xd2};
  append(tagged, cose({}));
  EXPECT_EQ(verdict(tagged), "EIF_SIGNATURE_FORMAT");
}

TEST(Signature, OfAnotherCertificateIsRefused) {
  const auto key = crypto::PrivateKey::generate(crypto::Curve::p384).value();
  const crypto::RandomizedSigner signer(key);
  EXPECT_EQ(make_signature(test_certificate(), signer, kPcr0).error().code, Code::EIF_KEY);
  // A genuine signature under somebody else's certificate.
  const Bytes name = crypto::common_name("other").value();
  const crypto::CertificateFields fields{.serial = {2},
                                         .issuer = name,
                                         .subject = name,
                                         .not_before = from_unix_seconds(1'700'000'000),
                                         .not_after = from_unix_seconds(2'000'000'000),
                                         .extensions = {}};
  const auto other = crypto::issue(fields, key.public_key(), key).value();
  EXPECT_EQ(verify_signature({other.pem(), cose({})}, other, kPcr0).error().code, Code::EIF_SIGNATURE);
}

TEST(SignatureSection, IsReadInItsOneFormOnly) {
  const Bytes pem = to_bytes("PEM");
  const Bytes sign1{1, 2, 250};
  struct Row {
    const char* why;
    std::function<void(CborWriter&)> write;
  };
  const std::vector<Row> table{
      {"empty", [](CborWriter& w) { w.array(0); }},
      {"not an array", [](CborWriter& w) { w.map(0); }},
      {"byte strings",
       [&](CborWriter& w) { w.array(1).map(2).text("signing_certificate").bytes(pem).text("signature").bytes(sign1); }},
      {"other order",
       [&](CborWriter& w) {
         integers(w.array(1).map(2).text("signature"), sign1);
         integers(w.text("signing_certificate"), pem);
       }},
      {"a third member",
       [&](CborWriter& w) {
         integers(w.array(1).map(3).text("signing_certificate"), pem);
         integers(w.text("signature"), sign1).text("x").uint(1);
       }},
      {"an integer of two bytes",
       [&](CborWriter& w) {
         w.array(1).map(2).text("signing_certificate").array(1).uint(256).text("signature").array(0);
       }},
      {"a negative integer",
       [&](CborWriter& w) {
         w.array(1).map(2).text("signing_certificate").array(1).integer(-1).text("signature").array(0);
       }},
      {"two signatures",
       [&](CborWriter& w) {
         w.array(2);
         for (int i = 0; i < 2; ++i) {
           integers(w.map(2).text("signing_certificate"), pem);
           integers(w.text("signature"), sign1);
         }
       }},
      {"trailing bytes",
       [&](CborWriter& w) {
         integers(w.array(1).map(2).text("signing_certificate"), pem);
         integers(w.text("signature"), sign1).null();
       }},
  };
  for (const Row& row : table) {
    CborWriter writer;
    row.write(writer);
    const auto parsed = parse_signature(writer.view());
    ASSERT_FALSE(parsed) << row.why;
    EXPECT_EQ(parsed.error().code, Code::EIF_SIGNATURE_FORMAT) << row.why;
  }
  EXPECT_FALSE(parse_signature(parse_hex("81a2ffff").value()));
  EXPECT_FALSE(parse_signature(parse_hex("9b7fffffffffffffff").value()));
}

TEST(SignatureSection, HasABound) {
  EXPECT_EQ(write_signature({std::string(20000, 'x'), {}}).error().code, Code::EIF_SIGNATURE_SIZE);
}

}  // namespace
}  // namespace cages::eif
