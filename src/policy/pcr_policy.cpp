// SPDX-License-Identifier: Apache-2.0
#include "policy/pcr_policy.h"

#include <algorithm>

#include "base/check.h"

namespace cages::policy {
namespace {

// Ten years: longer than any use, short enough that no sum below overflows.
constexpr std::int64_t kSecondsMax = 315'360'000;
constexpr std::int64_t kTimeMax = 253'402'300'799;  // the year 9999
constexpr std::string_view kPlatform = "nitro";

std::string pcr_name(std::uint8_t index) { return "PCR" + std::to_string(index); }

// A set names code by PCR0, or by PCR1 and PCR2 together (nitro.md §1.4: kernel and boot; application).
bool names_code(const PcrValues& pcrs) { return pcrs.contains(0) || (pcrs.contains(1) && pcrs.contains(2)); }

Result<void> admit_set(const PcrSet& set, bool signer_only) {
  for (const auto& [index, value] : set.pcrs) {
    if (!CAGES_CHECK("POLICY_UNKNOWN", index < kPcrCount)) {
      return fail(Code::POLICY_UNKNOWN, "pcrs", "PCR0 to PCR31", pcr_name(index));
    }
    // Debug enclaves, unsigned images and absent roles show zeros: a register of zeros names nothing.
    if (!CAGES_CHECK("POLICY_ZERO_PCR", !all_zero(value))) {
      return fail(Code::POLICY_CONTRADICTION, pcr_name(index), "the value of some code", "zeros, which stand for none");
    }
  }
  if (!CAGES_CHECK("POLICY_SIGNER_ONLY", !signer_only || set.pcrs.contains(8))) {
    return fail(Code::POLICY_CONTRADICTION, "signer_only", "PCR8 in every set", "a set without it");
  }
  if (!CAGES_CHECK("POLICY_PCR_SET", names_code(set.pcrs) || (signer_only && set.pcrs.contains(8)))) {
    return fail(Code::POLICY_EMPTY, "pcrs", "PCR0, or PCR1 and PCR2, in every set (PCR8 alone with signer_only)",
                "a set without");
  }
  return {};
}

bool reaches(const PcrSet& set, const std::optional<std::uint64_t>& counter_min) {
  return !counter_min || (set.counter && *set.counter >= *counter_min);
}

Result<void> admit_counter(const AttestationPolicy& rules) {
  const bool possible = !rules.counter_min || std::ranges::any_of(rules.pcr_sets, [&](const PcrSet& set) {
    return reaches(set, rules.counter_min);
  });
  if (CAGES_CHECK("POLICY_COUNTER", possible)) return {};
  return fail(Code::POLICY_CONTRADICTION, "counter_min",
              "a PCR set with a counter of at least " + std::to_string(*rules.counter_min), "none");
}

Result<void> within(std::string_view what, std::int64_t value, std::int64_t most) {
  if (value >= 0 && value <= most) return {};
  return fail(Code::POLICY_CONTRADICTION, std::string(what), "0 to " + std::to_string(most), std::to_string(value));
}

// True where none of PCR0, PCR1 and PCR2 says anything: zeros, or not there at all.
bool is_debug(const PcrValues& pcrs) {
  return std::ranges::all_of(pcrs, [](const auto& entry) { return entry.first > 2 || all_zero(entry.second); });
}

Result<void> judge_times(const AttestationPolicy& rules, const Evidence& evidence, std::int64_t now) {
  const auto at_ms = static_cast<std::int64_t>(evidence.timestamp_ms);
  const std::string seen = std::to_string(at_ms / 1000);
  if (!CAGES_CHECK("TIMESTAMP_OUTSIDE_LEAF", at_ms >= (evidence.leaf_not_before - rules.skew_s) * 1000 &&
                                                 at_ms <= evidence.leaf_not_after * 1000)) {
    return fail(Code::TIMESTAMP_OUTSIDE_LEAF, "",
                std::to_string(evidence.leaf_not_before) + " to " + std::to_string(evidence.leaf_not_after), seen);
  }
  if (!CAGES_CHECK("TIMESTAMP_FUTURE", at_ms <= (now + rules.skew_s) * 1000)) {
    return fail(Code::TIMESTAMP_FUTURE, "", "at most " + std::to_string(now + rules.skew_s), seen);
  }
  if (!CAGES_CHECK("TIMESTAMP_OLD", at_ms >= (now - rules.max_age_s) * 1000)) {
    return fail(Code::TIMESTAMP_OLD, "", "at least " + std::to_string(now - rules.max_age_s), seen);
  }
  return {};
}

bool same(const std::optional<Bytes>& expected, const std::optional<Bytes>& got) {
  return !expected || (got && equal_constant_time(*expected, *got));
}

std::string shown(const std::optional<Bytes>& value) { return value ? printable(hex(*value), 64) : "none"; }

Result<void> judge_bindings(const AttestationPolicy& rules, const Evidence& evidence) {
  if (!CAGES_CHECK("NONCE", same(rules.nonce, evidence.nonce))) {
    return fail(Code::NONCE, "", shown(rules.nonce), shown(evidence.nonce));
  }
  if (!CAGES_CHECK("USER_DATA", same(rules.user_data, evidence.user_data))) {
    return fail(Code::USER_DATA, "", shown(rules.user_data), shown(evidence.user_data));
  }
  if (!CAGES_CHECK("PUBLIC_KEY", same(rules.public_key, evidence.public_key))) {
    return fail(Code::PUBLIC_KEY, "", shown(rules.public_key), shown(evidence.public_key));
  }
  return {};
}

// The first register that differs from the set, none where the set matches. A register that the document lacks differs, and
// zeros never match.
std::optional<std::uint8_t> first_difference(const PcrSet& set, const PcrValues& pcrs) {
  for (const auto& [index, value] : set.pcrs) {
    const auto found = pcrs.find(index);
    if (found == pcrs.end() || all_zero(found->second) || !equal_constant_time(found->second, value)) return index;
  }
  return std::nullopt;
}

std::string shown_pcr(const PcrValues& pcrs, std::uint8_t index) {
  const auto found = pcrs.find(index);
  return pcr_name(index) + "=" + (found == pcrs.end() ? "none" : hex(found->second));
}

Result<void> judge_end(const std::optional<std::int64_t>& not_after, std::int64_t now) {
  if (CAGES_CHECK("NOT_AFTER", !not_after || now <= *not_after)) return {};
  return fail(Code::NOT_AFTER, "", "at most " + std::to_string(*not_after), std::to_string(now));
}

Result<std::optional<std::size_t>> judge_pcrs(const AttestationPolicy& rules, const PcrValues& pcrs, std::int64_t now) {
  const auto pcr0 = pcrs.find(0);
  const bool refused = pcr0 != pcrs.end() && std::ranges::find(rules.refused_pcr0, pcr0->second) != rules.refused_pcr0.end();
  if (!CAGES_CHECK("REFUSED_PCR0", !refused)) return fail(Code::REFUSED_PCR0, "", "another PCR0", hex(pcr0->second));
  if (rules.any_pcrs) return std::optional<std::size_t>();
  Error difference(Code::PCR_MISMATCH);
  for (std::size_t i = 0; i < rules.pcr_sets.size(); ++i) {
    const PcrSet& set = rules.pcr_sets[i];
    const auto different = first_difference(set, pcrs);
    if (!CAGES_CHECK("PCR_MISMATCH", !different)) {
      difference = Error(Code::PCR_MISMATCH, "", shown_pcr(set.pcrs, *different), shown_pcr(pcrs, *different));
      continue;
    }
    if (!CAGES_CHECK("COUNTER", reaches(set, rules.counter_min))) {
      return fail(Code::COUNTER, "", "at least " + std::to_string(*rules.counter_min),
                  set.counter ? std::to_string(*set.counter) : "none");
    }
    TRY(judge_end(set.not_after, now));
    return std::optional<std::size_t>(i);
  }
  return fail(std::move(difference));
}

}  // namespace

Result<AdmittedPolicy> admit(AttestationPolicy rules) {
  if (!CAGES_CHECK("POLICY_PLATFORM", rules.platform == kPlatform)) {
    return fail(Code::POLICY_UNKNOWN, "platform", std::string(kPlatform), printable(rules.platform));
  }
  if (!CAGES_CHECK("POLICY_EMPTY", rules.any_pcrs || !rules.pcr_sets.empty())) {
    return fail(Code::POLICY_EMPTY, "pcrs", "PCR sets, or \"any\" in so many words", "none");
  }
  if (!CAGES_CHECK("POLICY_ANY", !rules.any_pcrs || (rules.pcr_sets.empty() && !rules.signer_only && !rules.counter_min))) {
    return fail(Code::POLICY_CONTRADICTION, "pcrs", "\"any\" alone", "\"any\" with sets, signer_only or counter_min");
  }
  for (const PcrSet& set : rules.pcr_sets) TRY(admit_set(set, rules.signer_only));
  TRY(admit_counter(rules));
  TRY(within("max_age_s", rules.max_age_s, kSecondsMax));
  TRY(within("skew_s", rules.skew_s, kSecondsMax));
  TRY(within("not_after", rules.not_after.value_or(0), kTimeMax));
  return AdmittedPolicy(std::move(rules));
}

Result<Judgement> judge(const AdmittedPolicy& policy, const Evidence& evidence, std::int64_t now) {
  const AttestationPolicy& rules = policy.rules();
  if (now < 0 || now > kTimeMax) return fail(Code::TIMESTAMP, "time", "0 to " + std::to_string(kTimeMax), std::to_string(now));
  TRY(judge_times(rules, evidence, now));
  Judgement result;
  result.debug = is_debug(evidence.pcrs);
  if (!CAGES_CHECK("DEBUG", !result.debug || rules.allow_debug)) {
    return fail(Code::DEBUG, "", "code in PCR0, PCR1 or PCR2", "zeros");
  }
  TRY(judge_bindings(rules, evidence));
  TRY_ASSIGN(result.pcr_set, judge_pcrs(rules, evidence.pcrs, now));
  TRY(judge_end(rules.not_after, now));
  return result;
}

}  // namespace cages::policy
