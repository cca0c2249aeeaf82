// SPDX-License-Identifier: Apache-2.0
#include "runtime/egress/names.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace cages::runtime::egress {
namespace {

std::string text_of(Names& names, const std::string& name) {
  const auto address = names.address_of(name);
  return address ? write_ip(*address) : "none";
}

TEST(Names, EachHasAnAddressOfItsOwnThatStays) {
  Names names({});
  EXPECT_EQ(text_of(names, "a.example"), "127.64.0.1");
  EXPECT_EQ(text_of(names, "b.example"), "127.64.0.2");
  EXPECT_EQ(text_of(names, "a.example"), "127.64.0.1");
  EXPECT_EQ(names.use(*parse_ip("127.64.0.2"))->name(), "b.example");
  EXPECT_FALSE(names.use(*parse_ip("127.64.0.3")));
  EXPECT_FALSE(names.use(*parse_ip("127.0.0.1")));
  EXPECT_FALSE(names.use(*parse_ip("::1")));
}

TEST(Names, OnlyLoopbackBelow127_64IsTheirs) {
  for (const char* address : {"127.64.0.0", "127.64.0.1", "127.127.255.255"}) EXPECT_TRUE(Names::contains(*parse_ip(address)));
  for (const char* address : {"127.63.255.255", "127.128.0.0", "127.0.0.1", "10.0.0.1", "::ffff:127.64.0.1", "::1"}) {
    EXPECT_FALSE(Names::contains(*parse_ip(address))) << address;
  }
}

std::string numbered(std::size_t i) { return "n" + std::to_string(i) + ".example"; }

// What the app kept of a name that went must not become another name's.
TEST(Names, TheLeastRecentlyUsedGoesAndItsAddressIsNobodys) {
  Names names({});
  for (std::size_t i = 0; i < limits::kEgressNamesMax; ++i) names.address_of(numbered(i));
  EXPECT_EQ(text_of(names, numbered(0)), "127.64.0.1");  // used: now numbered(1) is the oldest
  names.address_of("new.example");
  EXPECT_EQ(names.size(), limits::kEgressNamesMax);
  EXPECT_EQ(names.use(*parse_ip("127.64.0.1"))->name(), numbered(0));
  EXPECT_FALSE(names.use(*parse_ip("127.64.0.2")));
  EXPECT_NE(text_of(names, numbered(1)), "127.64.0.2");
}

TEST(Names, NoneWithAnOpenStreamGoesNorOneThatTheListNames) {
  Names names({"listed.example"});
  names.address_of("listed.example");
  names.address_of("open.example");
  auto open = names.use(*parse_ip("127.64.0.2"));
  for (std::size_t i = 0; i < 3 * limits::kEgressNamesMax; ++i) names.address_of(numbered(i));
  EXPECT_EQ(text_of(names, "listed.example"), "127.64.0.1");
  EXPECT_EQ(text_of(names, "open.example"), "127.64.0.2");
  EXPECT_EQ(open->name(), "open.example");
  open.reset();
  for (std::size_t i = 0; i < limits::kEgressNamesMax; ++i) names.address_of(numbered(i));
  EXPECT_FALSE(names.use(*parse_ip("127.64.0.2")));
}

TEST(Names, WhereAllAreInUseThereIsNoAddress) {
  Names names({});
  std::vector<Names::Use> uses;
  for (std::size_t i = 0; i < limits::kEgressNamesMax; ++i) uses.push_back(std::move(*names.use(*names.address_of(numbered(i)))));
  EXPECT_EQ(text_of(names, "new.example"), "none");
  EXPECT_EQ(text_of(names, numbered(7)), "127.64.0.8");
  uses.pop_back();
  EXPECT_NE(text_of(names, "new.example"), "none");
}

TEST(Names, AHundredThousandOfThemCostNoMoreThanTheBound) {
  Names names({});
  for (std::size_t i = 0; i < 100'000; ++i) ASSERT_TRUE(names.address_of(numbered(i)));
  EXPECT_EQ(names.size(), limits::kEgressNamesMax);
}

}  // namespace
}  // namespace cages::runtime::egress
