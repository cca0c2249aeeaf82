// SPDX-License-Identifier: Apache-2.0
#include "base/toml.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace cages {
namespace {

TEST(Toml, ReadsEachTypeAndSaysWhatIsAbsent) {
  TomlTable t = parse_toml("a = \"x\"\nb = true\nc = -3\nd = [\"p\", \"q\"]\n[e]\nf = \"one\"\n", "cage.toml").value();
  EXPECT_EQ(t.text("a").value(), "x");
  EXPECT_EQ(t.boolean("b").value(), true);
  EXPECT_EQ(t.integer("c", -5, 5).value(), -3);
  EXPECT_EQ(t.texts("d").value(), (std::vector<std::string>{"p", "q"}));
  TomlTable* e = t.table("e").value();
  EXPECT_EQ(e->choice("f", {"zero", "one"}).value(), 1U);
  EXPECT_TRUE(e->finish());
  EXPECT_TRUE(t.finish());
  EXPECT_EQ(t.text("absent").value(), std::nullopt);
  EXPECT_TRUE(t.table("absent_too").value()->keys().empty());
}

TEST(Toml, NamesLineAndNearestKnownKey) {
  TomlTable t = parse_toml("name = \"x\"\n\n[egress]\nalow = []\n", "cage.toml").value();
  ASSERT_TRUE(t.text("name"));
  TomlTable* egress = t.table("egress").value();
  ASSERT_TRUE(egress->texts("allow"));
  const Error error = egress->finish().error();
  EXPECT_EQ(error.code, Code::TOML_KEY);
  EXPECT_EQ(error.subject, "cage.toml line 4, egress.alow");
  EXPECT_EQ(error.expected, "egress.allow");
}

TEST(Toml, RefusesWrongTypesAndBounds) {
  TomlTable t = parse_toml("a = 1\nb = \"x\"\nc = [1, 2]\nd = 1.5\ne = 1979-05-27\n", "f").value();
  EXPECT_EQ(t.text("a").error().subject, "f line 1, a");
  EXPECT_EQ(t.integer("a", 2, 9).error().got, "1");
  EXPECT_FALSE(t.boolean("b"));
  EXPECT_FALSE(t.texts("b"));
  EXPECT_FALSE(t.texts("c"));
  EXPECT_FALSE(t.integer("d", 0, 9));
  EXPECT_FALSE(t.text("e"));
  EXPECT_FALSE(t.table("a"));
  EXPECT_EQ(t.choice("b", {"y"}).error().got, "\"x\"");
}

TEST(Toml, RefusesBadSyntaxWithItsLine) {
  EXPECT_EQ(parse_toml("a = 1\nb = = 2\n", "f").error().subject, "f line 2");
  EXPECT_EQ(parse_toml("a = 1\na = 2\n", "f").error().code, Code::TOML);
  EXPECT_EQ(parse_toml("[*a]\n", "f").error().code, Code::TOML);
  EXPECT_EQ(parse_toml("\xef\xbb\xa4 = 1\n", "f").error().code, Code::TOML);
  EXPECT_EQ(parse_toml(std::string(limits::kTomlBytesMax + 1, '#'), "f").error().code, Code::LIMIT);
}

TEST(Toml, WritesStringsThatItReads) {
  const std::string nasty = "a\"b\\c\n\x01\x7f é";
  TomlTable t = parse_toml("a = " + toml_string(nasty) + "\n", "f").value();
  EXPECT_EQ(t.text("a").value(), nasty);
}

}  // namespace
}  // namespace cages
