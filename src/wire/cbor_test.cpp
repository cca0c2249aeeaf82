// SPDX-License-Identifier: Apache-2.0
#include "wire/cbor.h"

#include <gtest/gtest.h>

#include <chrono>

namespace cages::wire {
namespace {

Code skip_code(std::string_view hex_text) {
  const Bytes bytes = parse_hex(hex_text).value();
  CborReader reader(bytes);
  if (auto skipped = reader.skip(); !skipped) return skipped.error().code;
  if (auto done = reader.finish(); !done) return done.error().code;
  return Code::INTERNAL;  // stands for "accepted"
}

// RFC 8949 appendix A, the part that this profile accepts.
TEST(CborWriter, WritesTheShortestHeads) {
  EXPECT_EQ(hex(CborWriter().uint(23).view()), "17");
  EXPECT_EQ(hex(CborWriter().uint(24).view()), "1818");
  EXPECT_EQ(hex(CborWriter().uint(1000).view()), "1903e8");
  EXPECT_EQ(hex(CborWriter().uint(1000000).view()), "1a000f4240");
  EXPECT_EQ(hex(CborWriter().uint(1000000000000).view()), "1b000000e8d4a51000");
  EXPECT_EQ(hex(CborWriter().integer(-1000).view()), "3903e7");
  EXPECT_EQ(hex(CborWriter().map(1).text("a").array(2).boolean(true).null().view()), "a1616182f5f6");
}

TEST(CborReader, AcceptsWhatIsWellFormed) {
  for (const char* good : {"00", "1818", "3903e7", "4401020304", "6161", "80", "a0", "a26161016162820203", "f4", "f5", "f6"}) {
    EXPECT_EQ(skip_code(good), Code::INTERNAL) << good;
  }
}

TEST(CborReader, RefusesTheRestByName) {
  EXPECT_EQ(skip_code(""), Code::CBOR);
  EXPECT_EQ(skip_code("18"), Code::CBOR);
  EXPECT_EQ(skip_code("1c"), Code::CBOR);
  EXPECT_EQ(skip_code("1817"), Code::NON_MINIMAL);
  EXPECT_EQ(skip_code("190018"), Code::NON_MINIMAL);
  EXPECT_EQ(skip_code("1a00000018"), Code::NON_MINIMAL);
  EXPECT_EQ(skip_code("1b0000000000000018"), Code::NON_MINIMAL);
  EXPECT_EQ(skip_code("5f4101ff"), Code::INDEFINITE_STRING);
  EXPECT_EQ(skip_code("9fff"), Code::INDEFINITE_INNER);
  EXPECT_EQ(skip_code("bfff"), Code::INDEFINITE_INNER);
  EXPECT_EQ(skip_code("9bffffffffffffffff"), Code::CBOR);
  EXPECT_EQ(skip_code("ba7fffffff"), Code::CBOR);
  EXPECT_EQ(skip_code("c000"), Code::CBOR);
  EXPECT_EQ(skip_code("fb3ff0000000000000"), Code::CBOR);
  EXPECT_EQ(skip_code("f7"), Code::CBOR);
  EXPECT_EQ(skip_code("ff"), Code::CBOR);
  EXPECT_EQ(skip_code("62c328"), Code::CBOR);
  EXPECT_EQ(skip_code("0000"), Code::TRAILING_BYTES);
  EXPECT_EQ(skip_code("a2616101616102"), Code::DUPLICATE_KEY);
  EXPECT_EQ(skip_code("8181818181818180"), Code::DEPTH);
  EXPECT_EQ(skip_code("81818181818180"), Code::INTERNAL);
}

// A hostile map of very many keys costs what its bytes cost, and not their square: comparing each key with all others
// would take minutes here.
TEST(CborReader, PassesOverVeryManyKeysInTime) {
  constexpr std::uint64_t kKeys = 200'000;
  CborWriter writer;
  writer.map(kKeys);
  for (std::uint64_t key = 0; key < kKeys; ++key) writer.uint(key).null();
  CborReader reader(writer.view());
  const auto began = std::chrono::steady_clock::now();
  EXPECT_TRUE(reader.skip());
  EXPECT_TRUE(reader.finish());
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(20));
}

TEST(CborReader, NamesTheMemberThatHasTheWrongType) {
  const Bytes bytes = parse_hex("6161").value();
  CborReader reader(bytes);
  const auto value = reader.read_uint("timestamp");
  ASSERT_FALSE(value);
  EXPECT_EQ(error_class(value.error()), "TYPE timestamp");
}

TEST(CborReader, ReadsAnIndefiniteMapOnlyWhereAsked) {
  const Bytes bytes = parse_hex("bf616101ff").value();
  CborReader reader(bytes);
  const CborCount count = reader.read_open_map("payload").value();
  EXPECT_TRUE(reader.more_in(count, 0).value());
  EXPECT_EQ(reader.read_text("key").value(), "a");
  EXPECT_EQ(reader.read_uint("value").value(), 1U);
  EXPECT_FALSE(reader.more_in(count, 1).value());
  EXPECT_TRUE(reader.finish());
}

}  // namespace
}  // namespace cages::wire
