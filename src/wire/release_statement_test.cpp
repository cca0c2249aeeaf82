// SPDX-License-Identifier: Apache-2.0
#include "wire/release_statement.h"

#include <gtest/gtest.h>

namespace cages::wire {
namespace {

ReleaseStatement sample() {
  ReleaseStatement out;
  out.app = "payments";
  out.counter = 7;
  out.pcr0.fill(0x10);
  out.pcr1.fill(0x11);
  out.pcr2.fill(0x12);
  out.pcr8 = ReleaseStatement::Pcr{};
  out.runtime = "0.1.0 networked x86_64";
  out.not_after = 1'800'000'000;
  return out;
}

TEST(ReleaseStatement, HasOneSpelling) {
  ReleaseStatement small = sample();
  small.app = "a";
  small.pcr8.reset();
  small.runtime = "r";
  const Bytes bytes = write_release_statement(small).value();
  EXPECT_TRUE(hex(bytes).starts_with("836d63616765732f72656c6561736501a5016161020703a30058301010"));
  EXPECT_TRUE(hex(bytes).ends_with("046172051a6b49d200"));
}

TEST(ReleaseStatement, RoundTripsSignedAndUnsignedImages) {
  ReleaseStatement statement = sample();
  EXPECT_EQ(parse_release_statement(write_release_statement(statement).value()).value(), statement);
  statement.pcr8.reset();
  EXPECT_EQ(parse_release_statement(write_release_statement(statement).value()).value(), statement);
}

TEST(ReleaseStatement, IsRefusedWhenAnyByteIsMissingOrMore) {
  const Bytes good = write_release_statement(sample()).value();
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(parse_release_statement(ByteView(good).first(size))) << size;
  }
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_EQ(parse_release_statement(longer).error().code, Code::TRAILING_BYTES);
}

TEST(ReleaseStatement, AcceptsNoSpellingButItsOwn) {
  const Bytes good = write_release_statement(sample()).value();
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const Byte flip : {Byte{0x01}, Byte{0x20}, Byte{0x80}}) {
      Bytes changed = good;
      changed[at] ^= flip;
      const auto parsed = parse_release_statement(changed);
      if (!parsed) continue;
      EXPECT_NE(*parsed, sample()) << at;
      EXPECT_EQ(write_release_statement(*parsed).value(), changed) << at;
    }
  }
}

TEST(ReleaseStatement, HasBounds) {
  ReleaseStatement statement = sample();
  statement.app.clear();
  EXPECT_EQ(write_release_statement(statement).error().code, Code::RELEASE_STATEMENT);
  statement = sample();
  statement.app = std::string(129, 'a');
  EXPECT_FALSE(write_release_statement(statement));
  statement = sample();
  statement.counter = (1ULL << 53) + 1;
  EXPECT_FALSE(write_release_statement(statement));
  statement = sample();
  statement.not_after = 0;
  EXPECT_FALSE(write_release_statement(statement));
}

}  // namespace
}  // namespace cages::wire
