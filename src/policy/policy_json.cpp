// SPDX-License-Identifier: Apache-2.0
// The JSON form of a policy.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "policy/pcr_policy.h"

namespace cages::policy {
namespace {

Error wrong_type(std::string_view member, std::string_view expected) {
  return Error(Code::JSON, std::string(member), std::string(expected), "another type");
}

Result<Pcr> parse_pcr(std::string_view name, const Json& json) {
  const std::string* text = json.as_string();
  if (text == nullptr) return fail(wrong_type(name, "a string of 96 hexadecimal digits"));
  TRY_ASSIGN(const Bytes bytes, parse_hex(*text));
  Pcr pcr{};
  if (bytes.size() != pcr.size()) {
    return fail(Code::HEX, std::string(name), "96 digits", std::to_string(text->size()));
  }
  std::ranges::copy(bytes, pcr.begin());
  return pcr;
}

Result<std::uint64_t> parse_count(std::string_view name, const Json& json) {
  const std::int64_t* number = json.as_int();
  if (number == nullptr || *number < 0) return fail(wrong_type(name, "an integer from 0"));
  return static_cast<std::uint64_t>(*number);
}

// "0" to "31": one spelling each, so that no register can be named twice.
Result<std::uint8_t> parse_index(std::string_view name) {
  for (std::uint8_t index = 0; index < kPcrCount; ++index) {
    if (name == std::to_string(index)) return index;
  }
  return fail(Code::POLICY_UNKNOWN, "pcrs", "\"0\" to \"31\", or \"counter\"", printable(name));
}

Result<PcrSet> parse_set(const Json& json) {
  const Json::Object* members = json.as_object();
  if (members == nullptr) return fail(wrong_type("pcrs", "an array of objects"));
  PcrSet set;
  for (const auto& [name, value] : *members) {
    if (name == "counter") {
      TRY_ASSIGN(set.counter, parse_count("counter", value));
      continue;
    }
    TRY_ASSIGN(const std::uint8_t index, parse_index(name));
    TRY_ASSIGN(set.pcrs[index], parse_pcr("PCR" + name, value));
  }
  return set;
}

Result<void> parse_pcrs(const Json& json, AttestationPolicy& into) {
  if (const std::string* text = json.as_string()) {
    if (*text != "any") return fail(Code::POLICY_UNKNOWN, "pcrs", "an array, or \"any\"", printable(*text));
    into.any_pcrs = true;
    return {};
  }
  const Json::Array* sets = json.as_array();
  if (sets == nullptr) return fail(wrong_type("pcrs", "an array, or \"any\""));
  for (const Json& item : *sets) {
    TRY_ASSIGN(PcrSet set, parse_set(item));
    into.pcr_sets.push_back(std::move(set));
  }
  return {};
}

Result<void> parse_refused(const Json& json, AttestationPolicy& into) {
  const Json::Array* values = json.as_array();
  if (values == nullptr) return fail(wrong_type("refused_pcr0", "an array of strings"));
  for (const Json& item : *values) {
    TRY_ASSIGN(const Pcr pcr, parse_pcr("refused_pcr0", item));
    into.refused_pcr0.push_back(pcr);
  }
  return {};
}

Result<Bytes> parse_bytes(std::string_view name, const Json& json) {
  const std::string* text = json.as_string();
  if (text == nullptr) return fail(wrong_type(name, "a string of base64"));
  return parse_base64(*text);
}

Result<std::int64_t> parse_integer(std::string_view name, const Json& json) {
  const std::int64_t* number = json.as_int();
  if (number == nullptr) return fail(wrong_type(name, "an integer"));
  return *number;
}

Result<bool> parse_flag(std::string_view name, const Json& json) {
  const bool* flag = json.as_bool();
  if (flag == nullptr) return fail(wrong_type(name, "true or false"));
  return *flag;
}

constexpr std::array<std::string_view, 12> kMembers{"pcrs",   "nonce",       "user_data",   "public_key",
                                                    "max_age_s", "skew_s",   "allow_debug", "signer_only",
                                                    "refused_pcr0", "not_after", "counter_min", "platform"};

Result<void> parse_member(const std::string& name, const Json& json, AttestationPolicy& into) {
  if (name == "pcrs") return parse_pcrs(json, into);
  if (name == "refused_pcr0") return parse_refused(json, into);
  if (name == "nonce") {
    TRY_ASSIGN(into.nonce, parse_bytes(name, json));
  } else if (name == "user_data") {
    TRY_ASSIGN(into.user_data, parse_bytes(name, json));
  } else if (name == "public_key") {
    TRY_ASSIGN(into.public_key, parse_bytes(name, json));
  } else if (name == "max_age_s") {
    TRY_ASSIGN(into.max_age_s, parse_integer(name, json));
  } else if (name == "skew_s") {
    TRY_ASSIGN(into.skew_s, parse_integer(name, json));
  } else if (name == "allow_debug") {
    TRY_ASSIGN(into.allow_debug, parse_flag(name, json));
  } else if (name == "signer_only") {
    TRY_ASSIGN(into.signer_only, parse_flag(name, json));
  } else if (name == "not_after") {
    TRY_ASSIGN(into.not_after, parse_integer(name, json));
  } else if (name == "counter_min") {
    TRY_ASSIGN(into.counter_min, parse_count(name, json));
  } else if (name == "platform") {
    if (!json.is_string()) return fail(wrong_type(name, "a string"));
    into.platform = *json.as_string();
  } else {
    return fail(Code::POLICY_UNKNOWN, printable(name), "perhaps \"" + nearest(name, kMembers) + "\"", "an unknown member");
  }
  return {};
}

}  // namespace

Result<AttestationPolicy> parse_policy(const Json& json) {
  const Json::Object* members = json.as_object();
  if (members == nullptr) return fail(wrong_type("policy", "an object"));
  AttestationPolicy result;
  for (const auto& [name, value] : *members) TRY(parse_member(name, value, result));
  return result;
}

}  // namespace cages::policy
