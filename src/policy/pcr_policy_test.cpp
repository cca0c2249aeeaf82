// SPDX-License-Identifier: Apache-2.0
#include "policy/pcr_policy.h"

#include <gtest/gtest.h>

namespace cages::policy {
namespace {

Pcr pcr(Byte value) {
  Pcr result;
  result.fill(value);
  return result;
}

constexpr std::int64_t kNow = 1'767'225'660;

// A document of this very second, and a policy that it satisfies.
struct Given {
  PcrValues pcrs{{0, pcr(1)}, {1, pcr(2)}, {2, pcr(3)}, {3, pcr(0)}, {8, pcr(4)}};
  std::uint64_t timestamp_ms = kNow * 1000;
  std::optional<Bytes> nonce = Bytes{1, 2, 3};
  std::optional<Bytes> user_data = Bytes{};
  std::optional<Bytes> public_key;
  std::int64_t leaf_not_before = kNow - 3;
  std::int64_t leaf_not_after = kNow + 10800;
  AttestationPolicy rules{.pcr_sets = {PcrSet{{{0, pcr(1)}}, {}}}};

  [[nodiscard]] std::string verdict(std::int64_t now = kNow) const {
    const auto admitted = admit(rules);
    if (!admitted) return error_class(admitted.error());
    const auto judged =
        judge(*admitted, Evidence{pcrs, timestamp_ms, nonce, user_data, public_key, leaf_not_before, leaf_not_after}, now);
    return judged ? "" : error_class(judged.error());
  }
};

TEST(PcrPolicy, AcceptsWhatMatches) {
  Given given;
  EXPECT_EQ(given.verdict(), "");
  given.rules.pcr_sets = {PcrSet{{{0, pcr(9)}}, {}}, PcrSet{{{1, pcr(2)}, {2, pcr(3)}}, {}}};
  EXPECT_EQ(given.verdict(), "");
  given.rules = {.pcr_sets = {PcrSet{{{8, pcr(4)}}, {}}}, .signer_only = true};
  EXPECT_EQ(given.verdict(), "");
  given.rules = {.any_pcrs = true};
  EXPECT_EQ(given.verdict(), "");
}

TEST(PcrPolicy, FailsClosedWhereNothingNamesCode) {
  Given given;
  given.rules.pcr_sets.clear();
  EXPECT_EQ(given.verdict(), "POLICY_EMPTY");
  for (const PcrValues& weak : {PcrValues{}, PcrValues{{1, pcr(2)}}, PcrValues{{2, pcr(3)}}, PcrValues{{8, pcr(4)}},
                                PcrValues{{3, pcr(1)}, {4, pcr(1)}}}) {
    given.rules.pcr_sets = {PcrSet{{{0, pcr(1)}}, {}}, PcrSet{weak, {}}};
    EXPECT_EQ(given.verdict(), "POLICY_EMPTY");
  }
}

TEST(PcrPolicy, RefusesContradictions) {
  Given given;
  given.rules.any_pcrs = true;
  EXPECT_EQ(given.verdict(), "POLICY_CONTRADICTION");
  given.rules = {.any_pcrs = true, .counter_min = 1};
  EXPECT_EQ(given.verdict(), "POLICY_CONTRADICTION");
  given.rules = {.pcr_sets = {PcrSet{{{0, pcr(1)}}, {}}}, .signer_only = true};
  EXPECT_EQ(given.verdict(), "POLICY_CONTRADICTION");
  given.rules = {.pcr_sets = {PcrSet{{{0, pcr(1)}, {3, pcr(0)}}, {}}}};
  EXPECT_EQ(given.verdict(), "POLICY_CONTRADICTION");
  given.rules = {.pcr_sets = {PcrSet{{{0, pcr(1)}}, 4}}, .counter_min = 5};
  EXPECT_EQ(given.verdict(), "POLICY_CONTRADICTION");
  given.rules = {.any_pcrs = true, .max_age_s = INT64_MAX};
  EXPECT_EQ(given.verdict(), "POLICY_CONTRADICTION");
  given.rules = {.any_pcrs = true, .platform = "sandbox"};
  EXPECT_EQ(given.verdict(), "POLICY_UNKNOWN");
  given.rules = {.pcr_sets = {PcrSet{{{0, pcr(1)}, {32, pcr(1)}}, {}}}};
  EXPECT_EQ(given.verdict(), "POLICY_UNKNOWN");
}

TEST(PcrPolicy, MissingAndZeroRegistersNeverMatch) {
  Given given;
  given.rules.pcr_sets = {PcrSet{{{0, pcr(1)}, {5, pcr(1)}}, {}}};
  EXPECT_EQ(given.verdict(), "PCR_MISMATCH");
  given.rules.pcr_sets = {PcrSet{{{0, pcr(1)}, {3, pcr(1)}}, {}}};
  EXPECT_EQ(given.verdict(), "PCR_MISMATCH");
  given.rules.pcr_sets = {PcrSet{{{1, pcr(2)}, {2, pcr(2)}}, {}}};
  EXPECT_EQ(given.verdict(), "PCR_MISMATCH");
}

TEST(PcrPolicy, DebugIsAskedForInSoManyWords) {
  Given given;
  given.rules = {.any_pcrs = true};
  given.pcrs = {{0, pcr(0)}, {1, pcr(0)}, {2, pcr(0)}, {4, pcr(7)}};
  EXPECT_EQ(given.verdict(), "DEBUG");
  given.pcrs = {{4, pcr(7)}};
  EXPECT_EQ(given.verdict(), "DEBUG");
  given.rules.allow_debug = true;
  EXPECT_EQ(given.verdict(), "");
  given.pcrs = {{0, pcr(0)}, {1, pcr(0)}, {2, pcr(3)}};
  given.rules.allow_debug = false;
  EXPECT_EQ(given.verdict(), "");
}

TEST(PcrPolicy, TimesAreInclusiveToTheMillisecond) {
  Given given;
  given.timestamp_ms = (kNow + 60) * 1000;
  EXPECT_EQ(given.verdict(), "");
  given.timestamp_ms += 1;
  EXPECT_EQ(given.verdict(), "TIMESTAMP_FUTURE");
  given.timestamp_ms = (kNow - 900) * 1000;
  given.leaf_not_before = kNow - 840;  // earlier by no more than the skew
  EXPECT_EQ(given.verdict(), "");
  given.timestamp_ms -= 1;
  EXPECT_EQ(given.verdict(), "TIMESTAMP_OUTSIDE_LEAF");
  given.leaf_not_before = kNow - 841;
  EXPECT_EQ(given.verdict(), "TIMESTAMP_OLD");
  given.timestamp_ms = kNow * 1000;
  given.leaf_not_after = kNow;
  EXPECT_EQ(given.verdict(), "");
  given.leaf_not_after = kNow - 1;
  EXPECT_EQ(given.verdict(), "TIMESTAMP_OUTSIDE_LEAF");
  EXPECT_EQ(given.verdict(-1), "TIMESTAMP");
  EXPECT_EQ(given.verdict(INT64_MAX), "TIMESTAMP");
}

TEST(PcrPolicy, BindingsAreComparedWhole) {
  Given given;
  given.rules.nonce = Bytes{1, 2, 3};
  EXPECT_EQ(given.verdict(), "");
  for (const Bytes& other : {Bytes{}, Bytes{1, 2}, Bytes{1, 2, 3, 4}, Bytes{1, 2, 4}}) {
    given.rules.nonce = other;
    EXPECT_EQ(given.verdict(), "NONCE");
  }
  given.rules.nonce.reset();
  given.rules.user_data = Bytes{};
  EXPECT_EQ(given.verdict(), "");
  given.rules.user_data = Bytes{0};
  EXPECT_EQ(given.verdict(), "USER_DATA");
  given.rules.user_data.reset();
  given.rules.public_key = Bytes{};
  EXPECT_EQ(given.verdict(), "PUBLIC_KEY");  // null is not the empty string
}

TEST(PcrPolicy, CountersRefusalsAndEndsOfReleases) {
  Given given;
  given.rules = {.pcr_sets = {PcrSet{{{0, pcr(1)}}, 4}, PcrSet{{{0, pcr(9)}}, 5}}, .counter_min = 5};
  EXPECT_EQ(given.verdict(), "COUNTER");
  given.rules.counter_min = 4;
  EXPECT_EQ(given.verdict(), "");
  given.rules.refused_pcr0 = {pcr(9), pcr(1)};
  EXPECT_EQ(given.verdict(), "REFUSED_PCR0");
  given.rules.refused_pcr0 = {pcr(9)};
  given.rules.not_after = kNow;
  EXPECT_EQ(given.verdict(), "");
  given.rules.not_after = kNow - 1;
  EXPECT_EQ(given.verdict(), "NOT_AFTER");
  given.rules = {.pcr_sets = {PcrSet{{{0, pcr(1)}}, {}, kNow}}};
  EXPECT_EQ(given.verdict(), "");
  given.rules.pcr_sets.front().not_after = kNow - 1;
  EXPECT_EQ(given.verdict(), "NOT_AFTER");
}

}  // namespace
}  // namespace cages::policy
