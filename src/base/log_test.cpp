// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <gtest/gtest.h>

#include <string>

namespace cages {
namespace {

std::string logged(std::string_view value) {
  log::start("t");
  ::testing::internal::CaptureStderr();
  log::info("event", {{"text", std::string(value)}, {"next", "1"}});
  const std::string line = ::testing::internal::GetCapturedStderr();
  return line.substr(line.find("event"));
}

TEST(Log, QuotesWhatHasSpaces) {
  EXPECT_EQ(logged("one"), "event text=one next=1\n");
  EXPECT_EQ(logged("one two"), "event text=\"one two\" next=1\n");
  EXPECT_EQ(logged(""), "event text=\"\" next=1\n");
}

TEST(Log, LetsNoValueForgeAField) {
  EXPECT_EQ(logged("a\" next=\"2"), "event text=\"a\\x22 next=\\x222\" next=1\n");
  EXPECT_EQ(logged("a\nevent next=2"), "event text=\"a\\x0aevent next=2\" next=1\n");
  EXPECT_EQ(logged("\x1b[2J\x9b"), "event text=\\x1b[2J\\x9b next=1\n");
  EXPECT_EQ(logged("\\x22"), "event text=\\x5cx22 next=1\n");
}

}  // namespace
}  // namespace cages
