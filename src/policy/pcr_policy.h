// SPDX-License-Identifier: Apache-2.0
// What a relying party demands of an enclave: which code (PCRs), how fresh, bound to what. Pure functions, failing closed: a
// policy that checks no code is an error, never "anything goes". For verifiers; reading documents is wire's and attest's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/json.h"
#include "base/pcr.h"
#include "base/result.h"

namespace cages::policy {

// One image that is accepted: every register named here has exactly this value.
struct PcrSet {
  PcrValues pcrs;
  // The version counter of the release statement that these values come from, where there is one.
  std::optional<std::uint64_t> counter{};
  // The last second (since the epoch) at which that statement speaks for these values.
  std::optional<std::int64_t> not_after{};
};

// As a caller writes it down; nothing is judged by it before admit() has looked at it.
struct AttestationPolicy {
  std::vector<PcrSet> pcr_sets{};  // one match suffices (roll-over)
  bool any_pcrs = false;         // in so many words: the code does not matter
  std::optional<Bytes> nonce{};
  std::optional<Bytes> user_data{};
  std::optional<Bytes> public_key{};
  std::int64_t max_age_s = 900;
  std::int64_t skew_s = 60;
  bool allow_debug = false;
  bool signer_only = false;  // a set may name PCR8 alone: whatever that signer signed
  std::vector<Pcr> refused_pcr0{};
  std::optional<std::int64_t> not_after{};  // seconds since the epoch, inclusive
  std::optional<std::uint64_t> counter_min{};
  std::string platform = "nitro";
};

// A policy that checks something and does not contradict itself. Only admit() makes one.
class AdmittedPolicy {
 public:
  [[nodiscard]] const AttestationPolicy& rules() const { return rules_; }

 private:
  explicit AdmittedPolicy(AttestationPolicy rules) : rules_(std::move(rules)) {}
  friend Result<AdmittedPolicy> admit(AttestationPolicy rules);
  AttestationPolicy rules_;
};

// admit refuses with POLICY_EMPTY (no set, or a set that names no code), POLICY_CONTRADICTION (`any` with sets, a register of
// zeros, signer_only where a set names no signer, counter_min that no set reaches, times out of range) or POLICY_UNKNOWN (a
// platform or register that does not exist).
Result<AdmittedPolicy> admit(AttestationPolicy rules);

// parse_policy reads the JSON form (docs/protocol.md): POLICY_UNKNOWN on an unknown member, JSON on a wrong type, HEX, BASE64.
// Absent "pcrs" are left for admit() to refuse.
Result<AttestationPolicy> parse_policy(const Json& json);

// The part of a document that a policy judges. lifetime: looks into the document.
struct Evidence {
  const PcrValues& pcrs;
  std::uint64_t timestamp_ms;
  const std::optional<Bytes>& nonce;
  const std::optional<Bytes>& user_data;
  const std::optional<Bytes>& public_key;
  std::int64_t leaf_not_before;
  std::int64_t leaf_not_after;
};

struct Judgement {
  bool debug = false;
  std::optional<std::size_t> pcr_set;  // which of the policy's sets matched; none under `any`
};

// judge applies steps 8, 9 and 10 of nitro.md §3.4 at time `now` (seconds since the epoch), in that order.
// TIMESTAMP_OUTSIDE_LEAF, TIMESTAMP_FUTURE, TIMESTAMP_OLD, DEBUG, NONCE, USER_DATA, PUBLIC_KEY, REFUSED_PCR0, PCR_MISMATCH,
// COUNTER or NOT_AFTER.
Result<Judgement> judge(const AdmittedPolicy& policy, const Evidence& evidence, std::int64_t now);

}  // namespace cages::policy
