// SPDX-License-Identifier: Apache-2.0
#include "wire/cose.h"

#include <gtest/gtest.h>

#include "wire/cbor.h"

namespace cages::wire {
namespace {

const Bytes kSignature(96, 0x11);

std::string class_of(ByteView bytes) {
  const auto parsed = parse_cose_sign1(bytes);
  if (!parsed) return error_class(parsed.error());
  const auto strict = require_empty_unprotected(*parsed);
  return strict ? "" : error_class(strict.error());
}

// One COSE_Sign1 from its encoded parts.
Bytes cose(std::string_view protected_hex, std::string_view unprotected_hex, std::string_view payload_hex, ByteView signature,
           std::string_view prefix_hex = "84", std::string_view suffix_hex = "") {
  Bytes out = parse_hex(prefix_hex).value();
  append(out, CborWriter().bytes(parse_hex(protected_hex).value()).view());
  append(out, parse_hex(unprotected_hex).value());
  append(out, parse_hex(payload_hex).value());
  append(out, CborWriter().bytes(signature).view());
  append(out, parse_hex(suffix_hex).value());
  return out;
}

TEST(CoseSign1, ReadsWhatItWrites) {
  const Bytes written = write_cose_sign1(CoseAlgorithm::es384, as_bytes("payload"), kSignature);
  EXPECT_EQ(hex(ByteView(written).first(7)), "8444a1013822a0");
  const CoseSign1 read = parse_cose_sign1(written).value();
  EXPECT_EQ(read.algorithm, CoseAlgorithm::es384);
  EXPECT_EQ(as_text(read.payload), "payload");
  EXPECT_TRUE(equal(read.signature, kSignature));
  EXPECT_EQ(class_of(written), "");
}

TEST(CoseSign1, ToBeSignedIsTheSigStructure) {
  // RFC 9052 appendix C.2.1 (the COSE working group's example 18)
  EXPECT_EQ(hex(cose_to_be_signed(cose_protected_header(CoseAlgorithm::es256), as_bytes("This is the content."))),
            "846a5369676e61747572653143a101264054546869732069732074686520636f6e74656e742e");
}

TEST(CoseSign1, RefusesByClass) {
  const std::string good = "a1013822";
  EXPECT_EQ(class_of(cose(good, "a0", "4100", kSignature)), "");
  EXPECT_EQ(class_of(cose(good, "a0", "4100", kSignature, "d284")), "");
  EXPECT_EQ(class_of(cose(good, "a0", "4100", kSignature, "d184")), "COSE_TAG");
  EXPECT_EQ(class_of(cose(good, "a0", "4100", kSignature, "d2d284")), "COSE_TAG");
  EXPECT_EQ(class_of(cose(good, "a0", "4100", kSignature, "83")), "COSE_STRUCTURE");
  EXPECT_EQ(class_of(cose(good, "a0", "4100", kSignature, "85", "00")), "COSE_STRUCTURE");
  EXPECT_EQ(class_of(cose(good, "a0", "4100", kSignature, "9f", "ff")), "COSE_STRUCTURE");
  EXPECT_EQ(class_of(cose(good, "a0", "4100", kSignature, "84", "00")), "TRAILING_BYTES");
  EXPECT_EQ(class_of(cose(good, "a0", "f6", kSignature)), "COSE_DETACHED");
  EXPECT_EQ(class_of(cose(good, "a0", "6100", kSignature)), "COSE_STRUCTURE");
  EXPECT_EQ(class_of(cose(good, "a1044131", "4100", kSignature)), "COSE_UNPROTECTED");
  EXPECT_EQ(class_of(cose(good, "f6", "4100", kSignature)), "COSE_UNPROTECTED");
  EXPECT_EQ(class_of(cose("", "a0", "4100", kSignature)), "COSE_ALG");
  EXPECT_EQ(class_of(cose("a0", "a0", "4100", kSignature)), "COSE_ALG");
  EXPECT_EQ(class_of(cose("a1013824", "a0", "4100", kSignature)), "COSE_ALG");
  EXPECT_EQ(class_of(cose("a1016145", "a0", "4100", kSignature)), "COSE_ALG");
  EXPECT_EQ(class_of(cose("a2013822013822", "a0", "4100", kSignature)),
            "COSE_HEADER_DUPLICATE");
  EXPECT_EQ(class_of(cose("a20138220300", "a0", "4100", kSignature)), "COSE_HEADER");
  EXPECT_EQ(class_of(cose("a1013822ff", "a0", "4100", kSignature)),
            "COSE_HEADER");
  EXPECT_EQ(class_of(cose("bf013822ff", "a0", "4100", kSignature)), "COSE_HEADER");
  EXPECT_EQ(class_of(cose("00", "a0", "4100", kSignature)), "COSE_HEADER");
  EXPECT_EQ(class_of(cose(good, "a0", "4100", Bytes(95))), "COSE_SIGNATURE_LENGTH");
  EXPECT_EQ(class_of(cose("a10126", "a0", "4100", kSignature)), "COSE_SIGNATURE_LENGTH");
  EXPECT_EQ(class_of(cose("a10126", "a0", "4100", Bytes(64))), "");
  EXPECT_EQ(class_of({}), "CBOR");
  EXPECT_EQ(class_of(as_bytes("\x84")), "CBOR");
}

}  // namespace
}  // namespace cages::wire
