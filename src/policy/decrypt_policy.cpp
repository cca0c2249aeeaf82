// SPDX-License-Identifier: Apache-2.0
#include "policy/decrypt_policy.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/limits.h"

namespace cages::policy {
namespace {

constexpr std::array<std::pair<std::string_view, CallerKind>, 2> kCallers{
    {{"cage", CallerKind::cage}, {"api_key", CallerKind::api_key}}};

std::unexpected<Error> wrong_type(std::string_view member, std::string expected) {
  return fail(Code::JSON, std::string(member), std::move(expected), "another value");
}

Result<const Json::Array*> list_of(const Json& json, std::string_view member, std::size_t count_max) {
  if (!json.is_array()) return wrong_type(member, "a list");
  if (json.as_array()->size() > count_max) {
    return fail(Code::LIMIT, std::string(member), std::to_string(count_max), std::to_string(json.as_array()->size()));
  }
  return json.as_array();
}

Result<std::string> text_of(const Json& json, std::string_view member) {
  if (json.as_string() == nullptr) return wrong_type(member, "a text");
  return *json.as_string();
}

Result<std::int64_t> time_of(const Json& json, std::string_view member) {
  if (json.as_int() == nullptr || *json.as_int() < 0) return wrong_type(member, "Unix seconds");
  return *json.as_int();
}

Result<std::vector<CallerKind>> callers_of(const Json& json) {
  TRY_ASSIGN(const Json::Array* list, list_of(json, "callers", kCallers.size()));
  std::vector<CallerKind> callers;
  for (const Json& item : *list) {
    TRY_ASSIGN(const std::string word, text_of(item, "callers"));
    const auto kind = parse_caller(word);
    if (!kind) return fail(Code::POLICY_UNKNOWN, "callers", "cage or api_key", printable(word));
    callers.push_back(*kind);
  }
  return callers;
}

Result<std::vector<Pcr>> pcrs_of(const Json& json) {
  TRY_ASSIGN(const Json::Array* list, list_of(json, "pcr0", limits::kDecryptPcrsMax));
  // "Any image" is said by leaving the member out; an empty list would read as "none".
  if (list->empty()) return fail(Code::POLICY_EMPTY, "pcr0", "one value at least, or no such member", "none");
  std::vector<Pcr> pcrs;
  for (const Json& item : *list) {
    TRY_ASSIGN(const std::string text, text_of(item, "pcr0"));
    TRY_ASSIGN(const Bytes bytes, parse_hex(text));
    Pcr pcr{};
    if (bytes.size() != pcr.size()) return fail(Code::HEX, "pcr0", "96 digits", std::to_string(text.size()));
    std::ranges::copy(bytes, pcr.begin());
    if (all_zero(pcr))
      return fail(Code::POLICY_CONTRADICTION, "pcr0", "the value of an image", "zeros, which debug enclaves have");
    pcrs.push_back(pcr);
  }
  return pcrs;
}

Result<void> set_member(DecryptRule& rule, const std::string& name, const Json& value) {
  if (name == "name") {
    TRY_ASSIGN(rule.name, text_of(value, name));
  } else if (name == "role") {
    TRY_ASSIGN(rule.role, text_of(value, name));
  } else if (name == "callers") {
    TRY_ASSIGN(rule.callers, callers_of(value));
  } else if (name == "pcr0") {
    TRY_ASSIGN(rule.pcr0, pcrs_of(value));
  } else if (name == "not_before") {
    TRY_ASSIGN(rule.not_before, time_of(value, name));
  } else if (name == "not_after") {
    TRY_ASSIGN(rule.not_after, time_of(value, name));
  } else {
    return fail(Code::POLICY_UNKNOWN, "rule", "name, role, callers, pcr0, not_before or not_after", printable(name));
  }
  return {};
}

Result<DecryptRule> parse_rule(const Json& json, const std::vector<std::string>& roles) {
  if (!json.is_object()) return wrong_type("rules", "objects");
  if (json.find("role") == nullptr)
    return fail(Code::MISSING, "role", "a data role, or \"\" for values without one", "none");
  DecryptRule rule;
  for (const auto& [name, value] : *json.as_object()) TRY(set_member(rule, name, value));
  if (rule.name.empty() || rule.name.size() > limits::kDecryptNameBytesMax || printable(rule.name) != rule.name) {
    return fail(Code::POLICY_UNKNOWN, "name",
                "1 to " + std::to_string(limits::kDecryptNameBytesMax) + " printable characters", printable(rule.name));
  }
  if (!rule.role.empty() && std::ranges::find(roles, rule.role) == roles.end()) {
    return fail(Code::POLICY_UNKNOWN, "role", "one that `cage role list` shows", printable(rule.role));
  }
  if (rule.callers.empty()) return fail(Code::POLICY_EMPTY, "rule " + rule.name, "who may: callers", "nobody");
  if (rule.not_before && rule.not_after && *rule.not_before > *rule.not_after) {
    return fail(Code::POLICY_CONTRADICTION, "rule " + rule.name, "not_before up to not_after", "a time that never is");
  }
  return rule;
}

// What of the rule the caller lacks; empty: nothing.
std::string lacks(const DecryptRule& rule, const DecryptCaller& caller, std::int64_t now) {
  if (std::ranges::find(rule.callers, caller.kind) == rule.callers.end())
    return "allows no " + std::string(name_of(caller.kind));
  const bool image =
      rule.pcr0.empty() || (caller.pcr0 && std::ranges::find(rule.pcr0, *caller.pcr0) != rule.pcr0.end());
  if (!image) return "does not name PCR0 " + (caller.pcr0 ? hex(*caller.pcr0) : std::string("of a caller without one"));
  if (rule.not_before && now < *rule.not_before) return "begins at " + std::to_string(*rule.not_before);
  if (rule.not_after && now > *rule.not_after) return "ended at " + std::to_string(*rule.not_after);
  return "";
}

}  // namespace

std::optional<CallerKind> parse_caller(std::string_view text) {
  const auto row = std::ranges::find(kCallers, text, &std::pair<std::string_view, CallerKind>::first);
  if (row == kCallers.end()) return {};
  return row->second;
}

std::string_view name_of(CallerKind kind) {
  return std::ranges::find(kCallers, kind, &std::pair<std::string_view, CallerKind>::second)->first;
}

Result<DecryptPolicy> DecryptPolicy::parse(const Json& json, const std::vector<std::string>& roles) {
  if (!json.is_object()) return wrong_type("policy", "an object");
  for (const auto& [name, value] : *json.as_object()) {
    if (name != "rules") return fail(Code::POLICY_UNKNOWN, "policy", "rules", printable(name));
  }
  const Json* rules = json.find("rules");
  if (rules == nullptr)
    return fail(Code::MISSING, "rules", "a list; an empty one lets nobody have anything opened", "none");
  TRY_ASSIGN(const Json::Array* list, list_of(*rules, "rules", limits::kDecryptRulesMax));
  DecryptPolicy policy;
  for (const Json& item : *list) {
    TRY_ASSIGN(DecryptRule rule, parse_rule(item, roles));
    if (std::ranges::find(policy.rules_, rule.name, &DecryptRule::name) != policy.rules_.end()) {
      return fail(Code::POLICY_CONTRADICTION, "name", "each name once", rule.name);
    }
    policy.rules_.push_back(std::move(rule));
  }
  return policy;
}

DecryptPolicy DecryptPolicy::standard() {
  DecryptPolicy policy;
  policy.rules_.push_back({"cages open what has no role", "", {CallerKind::cage}, {}, {}, {}});
  return policy;
}

Result<const DecryptRule*> DecryptPolicy::allows(const DecryptCaller& caller, std::string_view role,
                                                 std::int64_t now) const {
  std::string closest = "no rule names it";
  const DecryptRule* found = nullptr;
  for (const DecryptRule& rule : rules_) {
    if (rule.role != role) continue;
    const std::string missing = lacks(rule, caller, now);
    if (missing.empty()) {
      found = &rule;
      break;
    }
    closest = "rule \"" + rule.name + "\" " + missing;
  }
  if (CAGES_CHECK("ENGINE_POLICY", found != nullptr)) return found;
  return fail(Code::ENGINE_POLICY, role.empty() ? "values without a role" : "role " + printable(role),
              "a rule that allows it", closest);
}

Json DecryptPolicy::to_json() const {
  Json::Array list;
  for (const DecryptRule& rule : rules_) {
    Json::Array callers;
    for (const CallerKind kind : rule.callers) callers.emplace_back(name_of(kind));
    Json one = Json::object({{"name", rule.name}, {"role", rule.role}, {"callers", Json(std::move(callers))}});
    if (!rule.pcr0.empty()) {
      Json::Array pcrs;
      for (const Pcr& pcr : rule.pcr0) pcrs.emplace_back(hex(pcr));
      one.set("pcr0", Json(std::move(pcrs)));
    }
    if (rule.not_before) one.set("not_before", *rule.not_before);
    if (rule.not_after) one.set("not_after", *rule.not_after);
    list.push_back(std::move(one));
  }
  return Json::object({{"rules", Json(std::move(list))}});
}

}  // namespace cages::policy
