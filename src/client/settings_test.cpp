// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "client/measurements.h"
#include "client/settings_json.h"
#include "client/verify_json.h"

namespace cages::client {
namespace {

std::string digits(char digit) { return std::string(96, digit); }

std::string settings_class(std::string_view text) {
  const auto parsed = parse_settings(parse_json(text).value());
  return parsed ? "" : error_class(parsed.error());
}

TEST(Measurements, AreReadAsBuildAndNitroCliWriteThem) {
  const std::string inner = R"({"HashAlgorithm":"Sha384 { ... }","PCR0":")" + digits('1') + R"(","PCR1":")" + digits('2') +
                            R"(","PCR2":")" + digits('a') + R"(","PCR8":")";
  for (const std::string& text : {inner + digits('4') + "\"}", R"({"Measurements":)" + inner + digits('4') + "\"}}"}) {
    const auto set = parse_measurements(parse_json(text).value()).value();
    EXPECT_EQ(set.pcrs.size(), 4U);
    EXPECT_EQ(hex(set.pcrs.at(2)), digits('a'));
    EXPECT_FALSE(set.counter);
  }
  EXPECT_EQ(parse_measurements(parse_json(inner + digits('0') + "\"}").value()).value().pcrs.size(), 3U);  // not signed
  for (const char* bad : {"{}", "[]", R"({"Measurements":{}})", R"({"PCR0":"11","PCR1":"11","PCR2":"11"})", R"({"PCR0":1})"}) {
    EXPECT_EQ(error_class(parse_measurements(parse_json(bad).value()).error()), "MEASUREMENTS") << bad;
  }
}

TEST(Settings, AreReadStrictly) {
  const auto parsed = parse_settings(parse_json(R"({"policy":{"pcrs":"any"},"identity":"any","binding":"fresh",
      "dial":"127.0.0.1","timeout_ms":5})").value()).value();
  EXPECT_EQ(parsed.settings.identity, Identity::any);
  EXPECT_EQ(parsed.settings.binding, Binding::fresh);
  EXPECT_EQ(parsed.settings.time, std::chrono::milliseconds(5));
  EXPECT_EQ(parsed.dial, "127.0.0.1");
  EXPECT_TRUE(parsed.settings.authorities.system);
  ASSERT_EQ(parsed.settings.roots.size(), 1U);
  EXPECT_TRUE(parsed.settings.roots.front().is_production());
  EXPECT_EQ(settings_class("{}"), "");  // an empty policy is refused when connecting
  for (const char* bad : {"[]", R"({"identity":"all"})", R"({"binding":"none"})", R"({"timeout_ms":0})", R"({"timeout_ms":"1"})",
                          R"({"roots":"x"})", R"({"roots":[1]})", R"({"authorities":1})", R"({"measurments":[]})"}) {
    EXPECT_EQ(settings_class(bad), "CLIENT_SETTINGS") << bad;
  }
  EXPECT_EQ(settings_class(R"({"roots":["x"]})"), "PEM");
  EXPECT_EQ(settings_class(R"({"policy":{"pcr":[]}})"), "POLICY_UNKNOWN");
  EXPECT_EQ(settings_class(R"({"measurements":[{}]})"), "MEASUREMENTS");
}

TEST(VerifyJson, AlwaysAnswers) {
  EXPECT_EQ(verify_json("").exit_code, 20);
  EXPECT_EQ(verify_json("{}").answer.text_or("error", ""), "JSON");
  EXPECT_EQ(verify_json(R"({"document":"","time":0})").exit_code, 30);
  const auto verdict = verify_json(R"({"document":"","time":0,"policy":{"pcrs":"any"}})");
  EXPECT_EQ(verdict.exit_code, 10);
  EXPECT_EQ(verdict.answer.text_or("error", ""), "CBOR");
}

}  // namespace
}  // namespace cages::client
