// SPDX-License-Identifier: Apache-2.0
#include "wire/der.h"

#include <gtest/gtest.h>

#include "wire/oids.h"

namespace cages::wire {
namespace {

Bytes from_hex(std::string_view text) { return parse_hex(text).value(); }

TEST(DerReader, RefusesEveryOtherEncodingOfALength) {
  for (const char* bad : {"", "30", "3005", "300500", "3080000000", "308100", "30817f", "30820001", "3082007f", "308500000000aa",
                          "3f8120", "1f2000", "30ff00"}) {
    const Bytes bytes = from_hex(bad);
    EXPECT_FALSE(DerReader(bytes).read_any("x")) << bad;
  }
  const Bytes good = from_hex("3000");
  EXPECT_TRUE(DerReader(good).read_any("x"));
}

TEST(DerReader, ReadsIntegersInTheFewestBytesOnly) {
  for (const char* good : {"020100", "02017f", "02020080", "0201ff", "0202ff7f"}) {
    const Bytes bytes = from_hex(good);
    EXPECT_TRUE(DerReader(bytes).read_integer("x")) << good;
  }
  for (const char* bad : {"0200", "0202007f", "0202ff80", "030100"}) {
    const Bytes bytes = from_hex(bad);
    EXPECT_FALSE(DerReader(bytes).read_integer("x")) << bad;
  }
}

TEST(DerReader, ReadsBooleansAndNamedBitsCanonically) {
  for (const char* bad : {"010101", "0100", "01020000"}) {
    const Bytes bytes = from_hex(bad);
    EXPECT_FALSE(DerReader(bytes).read_boolean("x")) << bad;
  }
  const Bytes usage = from_hex("03020186");  // digitalSignature, keyCertSign, cRLSign
  EXPECT_EQ(DerReader(usage).read_named_bits("x").value(), 0b1100001);
  for (const char* bad : {"0300", "030101", "03020086", "030208 80", "0302 0700", "030206ff", "03050000000001"}) {
    std::string text(bad);
    std::erase(text, ' ');
    const Bytes bytes = from_hex(text);
    EXPECT_FALSE(DerReader(bytes).read_named_bits("x")) << bad;
  }
}

TEST(DerReader, ReadsTimesAsCertificatesWriteThem) {
  const auto time = [](Byte tag, std::string_view text) {
    Bytes bytes{tag, static_cast<Byte>(text.size())};
    append(bytes, as_bytes(text));
    return DerReader(bytes).read_time("x");
  };
  EXPECT_EQ(time(der_tag::kUtcTime, "700101000000Z").value(), 0);
  EXPECT_EQ(time(der_tag::kUtcTime, "491028142805Z").value(), 2519044085);
  EXPECT_EQ(time(der_tag::kUtcTime, "500101000000Z").value(), -631152000);
  EXPECT_EQ(time(der_tag::kGeneralizedTime, "20500101000000Z").value(), 2524608000);
  EXPECT_EQ(time(der_tag::kUtcTime, "240229235959Z").value(), 1709251199);
  for (const char* bad : {"230229000000Z", "241301000000Z", "240100000000Z", "240101240000Z", "240101006000Z", "240101000060Z",
                          "240101000000", "2401010000Z", "24010100000 Z", "240101000000+0000", "-40101000000Z"}) {
    EXPECT_FALSE(time(der_tag::kUtcTime, bad)) << bad;
  }
  EXPECT_FALSE(time(der_tag::kGeneralizedTime, "20490101000000Z"));  // RFC 5280: UTCTime through 2049
  EXPECT_FALSE(time(der_tag::kGeneralizedTime, "20500101000000.5Z"));
}

TEST(DerReader, ReadsTheOctetStringsThatAreWritten) {
  for (const std::size_t size : {0U, 1U, 127U, 128U, 255U, 256U, 65535U, 65536U}) {
    const Bytes content(size, 7);
    const Bytes written = write_der(der_tag::kOctetString, content);
    DerReader reader(written);
    EXPECT_TRUE(equal(reader.read(der_tag::kOctetString, "x").value().content, content));
    EXPECT_TRUE(reader.at_end());
  }
}

TEST(DerReader, WritesObjectIdentifiersAsText) {
  EXPECT_EQ(oid_text(oid::kKeyUsage), "2.5.29.15");
  EXPECT_EQ(oid_text(oid::kP384), "1.3.132.0.34");
  EXPECT_EQ(oid_text(oid::kEcdsaSha384), "1.2.840.10045.4.3.3");
  EXPECT_EQ(oid_text(oid::kEvidence), "2.25.?");  // 128 bits; the text stands in oids.h
  for (const char* bad : {"0600", "06028001", "060180", "0603550f80"}) {
    const Bytes bytes = from_hex(bad);
    EXPECT_FALSE(DerReader(bytes).read_oid("x")) << bad;
  }
}

TEST(EcdsaSignature, IsTwoPositiveIntegersOfTheCurvesWidth) {
  EXPECT_EQ(hex(parse_ecdsa_signature(from_hex("300602010102017f"), 2).value()), "0001007f");
  EXPECT_EQ(hex(parse_ecdsa_signature(from_hex("3008020200ff02020080"), 1).value()), "ff80");
  EXPECT_EQ(hex(parse_ecdsa_signature(from_hex("3006020100020100"), 1).value()), "0000");
  for (const char* bad : {"", "3003020101", "30060201010201ff", "300702020001020101", "300802020101020201 01", "30060201010201 0100",
                          "3009020101020101020101"}) {
    std::string text(bad);
    std::erase(text, ' ');
    EXPECT_FALSE(parse_ecdsa_signature(from_hex(text), 1)) << bad;
  }
}

// The object identifier as text and as bytes are the same number.
TEST(Oids, EvidenceTextAndBytesAgree) {
  std::string decimal = "0";
  for (const Byte byte : ByteView(oid::kEvidence).subspan(1)) {
    unsigned carry = byte & 0x7f;
    for (auto digit = decimal.rbegin(); digit != decimal.rend(); ++digit) {
      const unsigned value = static_cast<unsigned>(*digit - '0') * 128 + carry;
      *digit = static_cast<char>('0' + value % 10);
      carry = value / 10;
    }
    for (; carry > 0; carry /= 10) decimal.insert(decimal.begin(), static_cast<char>('0' + carry % 10));
  }
  EXPECT_EQ("2.25." + decimal, oid::kEvidenceText);
  EXPECT_EQ(oid::kEvidence[0], 2 * 40 + 25);
}

}  // namespace
}  // namespace cages::wire
