// SPDX-License-Identifier: Apache-2.0
#include "policy/decrypt_policy.h"

#include <gtest/gtest.h>

namespace cages::policy {
namespace {

const std::vector<std::string> kRoles{"card", "name"};
const std::string kPcr = std::string(96, 'a');

Result<DecryptPolicy> parse(const std::string& rules) {
  return DecryptPolicy::parse(parse_json(R"({"rules":[)" + rules + "]}").value(), kRoles);
}

Pcr pcr(Byte value) {
  Pcr out{};
  out.fill(value);
  return out;
}

const DecryptCaller kCage{CallerKind::cage, pcr(0xaa)};
const DecryptCaller kOtherCage{CallerKind::cage, pcr(0xbb)};
const DecryptCaller kKey{CallerKind::api_key, {}};

TEST(DecryptPolicy, AllowsWhatARuleNames) {
  const auto policy = parse(R"({"name":"cards","role":"card","callers":["cage"],"pcr0":[")" + kPcr +
                            R"("],"not_before":100,"not_after":200})");
  ASSERT_TRUE(policy) << describe(policy.error());
  EXPECT_EQ(policy->allows(kCage, "card", 100).value()->name, "cards");
  EXPECT_TRUE(policy->allows(kCage, "card", 200));
}

struct Refusal {
  const char* name;
  DecryptCaller caller;
  const char* role;
  std::int64_t now;
  const char* because;
};

class DecryptPolicyRefusal : public testing::TestWithParam<Refusal> {};

TEST_P(DecryptPolicyRefusal, NamesTheRule) {
  const auto policy = parse(R"({"name":"cards","role":"card","callers":["cage"],"pcr0":[")" + kPcr +
                            R"("],"not_before":100,"not_after":200})");
  const auto& c = GetParam();
  const auto verdict = policy->allows(c.caller, c.role, c.now);
  ASSERT_FALSE(verdict);
  EXPECT_EQ(verdict.error().code, Code::ENGINE_POLICY);
  EXPECT_NE(describe(verdict.error()).find(c.because), std::string::npos) << describe(verdict.error());
}

INSTANTIATE_TEST_SUITE_P(
    Table, DecryptPolicyRefusal,
    testing::Values(Refusal{"no_role", kCage, "", 150, "no rule names it"},
                    Refusal{"another_role", kCage, "name", 150, "no rule names it"},
                    Refusal{"unknown_role", kCage, "cards", 150, "no rule names it"},
                    Refusal{"an_api_key", kKey, "card", 150, "rule \"cards\" allows no api_key"},
                    Refusal{"another_image", kOtherCage, "card", 150, "rule \"cards\" does not name PCR0 bbbb"},
                    Refusal{"a_cage_without_pcr0", DecryptCaller{CallerKind::cage, {}}, "card", 150, "without one"},
                    Refusal{"too_early", kCage, "card", 99, "begins at 100"},
                    Refusal{"too_late", kCage, "card", 201, "ended at 200"}),
    [](const auto& row) { return row.param.name; });

TEST(DecryptPolicy, ALaterRuleMayAllowWhatAnEarlierDoesNot) {
  const auto policy = parse(R"({"name":"a","role":"card","callers":["api_key"],"not_after":5},)"
                            R"({"name":"b","role":"card","callers":["api_key","cage"]})");
  EXPECT_EQ(policy->allows(kKey, "card", 10).value()->name, "b");
}

TEST(DecryptPolicy, AnEmptyOneAllowsNothing) {
  const auto policy = parse("");
  ASSERT_TRUE(policy);
  EXPECT_FALSE(policy->allows(kCage, "", 0));
}

TEST(DecryptPolicy, TheStandardOneOpensForCagesWhatHasNoRole) {
  const DecryptPolicy policy = DecryptPolicy::standard();
  EXPECT_TRUE(policy.allows(kCage, "", 0));
  EXPECT_FALSE(policy.allows(kCage, "card", 0));
  EXPECT_FALSE(policy.allows(kKey, "", 0));
  EXPECT_TRUE(DecryptPolicy::parse(policy.to_json(), {}));
}

TEST(DecryptPolicy, IsWrittenAsItIsRead) {
  const auto policy =
      parse(R"({"name":"cards","role":"card","callers":["cage"],"pcr0":[")" + kPcr + R"("],"not_after":200})");
  const auto again = DecryptPolicy::parse(policy->to_json(), kRoles);
  ASSERT_TRUE(again);
  EXPECT_EQ(write_json(again->to_json()), write_json(policy->to_json()));
}

struct Invalid {
  const char* name;
  std::string rules;
  Code code;
};

class DecryptPolicyInvalid : public testing::TestWithParam<Invalid> {};

TEST_P(DecryptPolicyInvalid, IsRefused) {
  const auto policy = parse(GetParam().rules);
  ASSERT_FALSE(policy);
  EXPECT_EQ(policy.error().code, GetParam().code) << describe(policy.error());
}

INSTANTIATE_TEST_SUITE_P(
    Table, DecryptPolicyInvalid,
    testing::Values(
        Invalid{"not_an_object", "1", Code::JSON},
        Invalid{"no_role", R"({"name":"a","callers":["cage"]})", Code::MISSING},
        Invalid{"no_callers", R"({"name":"a","role":""})", Code::POLICY_EMPTY},
        Invalid{"nobody", R"({"name":"a","role":"","callers":[]})", Code::POLICY_EMPTY},
        Invalid{"unknown_caller", R"({"name":"a","role":"","callers":["anyone"]})", Code::POLICY_UNKNOWN},
        Invalid{"unknown_role", R"({"name":"a","role":"iban","callers":["cage"]})", Code::POLICY_UNKNOWN},
        Invalid{"unknown_member", R"({"name":"a","role":"","callers":["cage"],"ip":"x"})", Code::POLICY_UNKNOWN},
        Invalid{"no_name", R"({"role":"","callers":["cage"]})", Code::POLICY_UNKNOWN},
        Invalid{"escape_in_a_name", R"({"name":"a\u001b[2J","role":"","callers":["cage"]})", Code::POLICY_UNKNOWN},
        Invalid{"name_twice", R"({"name":"a","role":"","callers":["cage"]},{"name":"a","role":"","callers":["cage"]})",
                Code::POLICY_CONTRADICTION},
        Invalid{"empty_pcrs", R"({"name":"a","role":"","callers":["cage"],"pcr0":[]})", Code::POLICY_EMPTY},
        Invalid{"short_pcr", R"({"name":"a","role":"","callers":["cage"],"pcr0":["aa"]})", Code::HEX},
        Invalid{"debug_pcr", R"({"name":"a","role":"","callers":["cage"],"pcr0":[")" + std::string(96, '0') + "\"]}",
                Code::POLICY_CONTRADICTION},
        Invalid{"never", R"({"name":"a","role":"","callers":["cage"],"not_before":2,"not_after":1})",
                Code::POLICY_CONTRADICTION},
        Invalid{"negative_time", R"({"name":"a","role":"","callers":["cage"],"not_after":-1})", Code::JSON}),
    [](const auto& row) { return row.param.name; });

TEST(DecryptPolicy, HasABound) {
  std::string rules;
  for (int i = 0; i < 300; ++i)
    rules += (i == 0 ? "" : ",") + (R"({"name":"r)" + std::to_string(i) + R"(","role":"","callers":["cage"]})");
  EXPECT_EQ(parse(rules).error().code, Code::LIMIT);
}

}  // namespace
}  // namespace cages::policy
