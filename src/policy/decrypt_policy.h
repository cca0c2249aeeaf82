// SPDX-License-Identifier: Apache-2.0
// Who may have which encrypted values opened (design §7). Pure: rules and a caller in, a verdict out. What no rule
// allows is refused: a role without a rule, an app without a policy. For the engine, which keeps the rules, and `cage
// policy test`.
//
//   {"rules": [{"name", "role", "callers": ["cage" | "api_key"…], "pcr0": [hex…], "not_before", "not_after"}]}
// `role` "" stands for values that were sealed without one. `pcr0`, `not_before` and `not_after` may be left out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/pcr.h"
#include "base/result.h"

namespace cages::policy {

enum class CallerKind : std::uint8_t {
  cage,    // an attested enclave with a live engine token
  api_key  // whoever holds a key of the platform's: `cage decrypt`
};

struct DecryptCaller {
  CallerKind kind = CallerKind::api_key;
  std::optional<Pcr> pcr0;  // of a cage: as the platform measured its image
};

struct DecryptRule {
  std::string name;  // unique; what a refusal and the audit log call it
  std::string role;
  std::vector<CallerKind> callers;
  std::vector<Pcr> pcr0;                   // empty: any image of the app's
  std::optional<std::int64_t> not_before;  // Unix seconds, inclusive
  std::optional<std::int64_t> not_after;
};

class DecryptPolicy {
 public:
  // parse reads the JSON form. POLICY_UNKNOWN for an unknown member, caller or role (one that is not in `roles`),
  // POLICY_EMPTY for a rule without callers, POLICY_CONTRADICTION for a name used twice or a time window that never is;
  // JSON, HEX, LIMIT.
  static Result<DecryptPolicy> parse(const Json& json, const std::vector<std::string>& roles);
  // standard: what an app has before its owner says otherwise: its cages open what was sealed without a role.
  static DecryptPolicy standard();

  // allows returns the rule by which `caller` may have values of `role` opened at `now`; ENGINE_POLICY, naming the rule
  // that came closest and what it lacked, else.
  [[nodiscard]] Result<const DecryptRule*> allows(const DecryptCaller& caller, std::string_view role,
                                                  std::int64_t now) const;
  [[nodiscard]] Json to_json() const;
  [[nodiscard]] const std::vector<DecryptRule>& rules() const { return rules_; }

 private:
  std::vector<DecryptRule> rules_;
};

// parse_caller reads "cage" or "api_key".
std::optional<CallerKind> parse_caller(std::string_view text);
std::string_view name_of(CallerKind kind);

}  // namespace cages::policy
