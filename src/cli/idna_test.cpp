// SPDX-License-Identifier: Apache-2.0
#include "cli/idna.h"

#include <gtest/gtest.h>

#include "policy/allow_list.h"

namespace cages::cli {
namespace {

std::string turned(std::string entry) {
  std::vector<std::string> entries{std::move(entry)};
  const auto done = to_a_labels(entries);
  return done ? entries[0] : error_class(done.error());
}

TEST(Idna, NamesBecomeALabelsWhateverTheirCaseAndForm) {
  EXPECT_EQ(turned("bücher.example"), "xn--bcher-kva.example");
  EXPECT_EQ(turned("BÜCHER.example:8443"), "xn--bcher-kva.example:8443");
  EXPECT_EQ(turned("*.bu\u0308cher.example:*"), "*.xn--bcher-kva.example:*");  // u and a combining diaeresis
  EXPECT_EQ(turned("faß.example"), "xn--fa-hia.example");                      // IDNA2008: not "fass"
  EXPECT_EQ(turned("例え。テスト"), "xn--r8jz45g.xn--zckzah");                 // an ideographic full stop
}

TEST(Idna, WhatIsAsciiStays) {
  for (const char* entry : {"api.example.com", "*.example.com:443,8443", "10.0.0.0/8", "[2001:db8::1]:443", "xn--bcher-kva.example"}) {
    EXPECT_EQ(turned(entry), entry);
  }
}

TEST(Idna, WhatHasNoALabelIsAnErrorThatNamesTheEntry) {
  EXPECT_EQ(turned("a\u2028b.example"), "EGRESS_ENTRY");  // a line separator
  EXPECT_EQ(turned(std::string(70, 'a') + "ü.example"), "EGRESS_ENTRY");
  EXPECT_EQ(turned("\xff.example"), "EGRESS_ENTRY");
}

TEST(Idna, TheListTakesWhatComesOut) {
  std::vector<std::string> entries{"Bücher.example:5432"};
  ASSERT_TRUE(to_a_labels(entries).has_value());
  const auto list = policy::AllowList::parse(entries);
  ASSERT_TRUE(list.has_value());
  EXPECT_TRUE(list->admits_name("xn--bcher-kva.example", 5432));
}

}  // namespace
}  // namespace cages::cli
