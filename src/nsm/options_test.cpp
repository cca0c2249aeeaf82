// SPDX-License-Identifier: Apache-2.0
#include "nsm/options.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/text.h"

namespace cages::nsm {
namespace {

const std::string kZero(96, '0');
const std::string kServe = "serve --channel 5 --module-id i-0123456789abcdef0-enc019b8596b1a9dad6 --state /s";
const std::string kPcrs = " --pcr 0=" + kZero + " --pcr 1=" + kZero + " --pcr 2=" + std::string(96, 'A');

Result<Options> parse(const std::string& line) {
  const auto words = split(line, ' ');
  return parse_options(words);
}

TEST(Options, ReadsWhatTheDriverWrites) {
  const auto options = std::get<ServeOptions>(parse(kServe + kPcrs + " --latency 1.1").value());
  EXPECT_EQ(options.channel, 5);
  EXPECT_EQ(options.state, "/s");
  EXPECT_EQ(options.latency.count(), 1100);
  EXPECT_EQ(options.pcrs[2][47], 0xaa);
  EXPECT_TRUE(all_zero(options.pcrs[8]));
  EXPECT_TRUE(std::get<RootOptions>(parse("root --json --state /s").value()).json);
  ::setenv("CAGE_STATE_DIR", "/c", 1);
  EXPECT_EQ(std::get<RootOptions>(parse("root").value()).state, "/c/state/nsm");
  EXPECT_TRUE(std::holds_alternative<HelpOptions>(parse("--help").value()));
}

TEST(Options, RefusesTheRestByName) {
  for (const std::string& bad :
       {std::string(), std::string("run"), std::string("root --state"), std::string("root --state /s --channel 3"),
        kServe, kServe + " --pcr 0=" + kZero + " --pcr 1=" + kZero, kServe + kPcrs + " --pcr 0=" + kZero,
        kServe + kPcrs + " --pcr 16=" + kZero, kServe + kPcrs + " --pcr x=" + kZero, kServe + kPcrs + " --pcr 8=" + kZero + "00",
        kServe + kPcrs + " --pcr 8", kServe + kPcrs + " --latency -1", kServe + kPcrs + " --latency nan",
        kServe + kPcrs + " --latency 1e9", kServe + kPcrs + " --state /t", kServe + kPcrs + " --json",
        "serve --module-id i-0123456789abcdef0-enc019b8596b1a9dad6 --state /s" + kPcrs}) {
    const auto options = parse(bad);
    ASSERT_FALSE(options) << bad;
    EXPECT_EQ(options.error().code, Code::USAGE) << bad;
  }
}

}  // namespace
}  // namespace cages::nsm
