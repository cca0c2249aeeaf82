// SPDX-License-Identifier: Apache-2.0
#include "client/settings_json.h"

#include <array>

#include "base/text.h"
#include "client/measurements.h"
#include "client/verify_json.h"

namespace cages::client {
namespace {

constexpr std::array<std::string_view, 9> kMembers{"measurements", "policy",  "release", "roots",     "authorities",
                                                   "identity",     "binding", "dial",    "timeout_ms"};

Error wrong(std::string_view member, std::string_view expected) {
  return Error(Code::CLIENT_SETTINGS, std::string(member), std::string(expected), "another value");
}

Result<void> parse_measured(const Json& json, Settings& into) {
  if (!json.is_array()) return fail(wrong("measurements", "an array of objects"));
  for (const Json& item : *json.as_array()) {
    TRY_ASSIGN(policy::PcrSet set, parse_measurements(item));
    into.policy.pcr_sets.push_back(std::move(set));
  }
  return {};
}

// {"file": text of release.json, "key": PEM}: never the one without the other.
Result<void> parse_release_member(const Json& json, Settings& into) {
  const Json* file = json.find("file");
  const Json* key = json.find("key");
  const bool whole = file != nullptr && file->is_string() && key != nullptr && key->is_string() && json.as_object()->size() == 2;
  if (!whole) return fail(wrong("release", "{\"file\", \"key\"}, both strings"));
  TRY_ASSIGN(policy::PcrSet set, parse_release(*file->as_string(), *key->as_string()));
  into.policy.pcr_sets.push_back(std::move(set));
  return {};
}

Result<void> parse_roots(const Json& json, Settings& into) {
  if (!json.is_array()) return fail(wrong("roots", "an array of PEM certificates"));
  for (const Json& item : *json.as_array()) {
    if (!item.is_string()) return fail(wrong("roots", "an array of PEM certificates"));
    TRY_ASSIGN(const std::vector<attest::TrustRoot> roots, parse_trust_roots(*item.as_string()));
    into.roots.insert(into.roots.end(), roots.begin(), roots.end());
  }
  return {};
}

Result<Binding> parse_binding(std::string_view text) {
  if (text == "session") return Binding::session;
  if (text == "fresh") return Binding::fresh;
  if (text == "key") return Binding::key;
  return fail(wrong("binding", "session, fresh or key"));
}

Result<void> parse_text_member(const std::string& name, const Json& json, JsonSettings& into) {
  if (!json.is_string()) return fail(wrong(name, "a string"));
  const std::string& text = *json.as_string();
  if (name == "authorities") {
    into.settings.authorities.pem = text;
  } else if (name == "dial") {
    into.dial = text;
  } else if (name == "binding") {
    TRY_ASSIGN(into.settings.binding, parse_binding(text));
  } else {
    if (text != "any") return fail(wrong(name, "\"any\", or no such member"));
    into.settings.identity = Identity::any;
  }
  return {};
}

Result<void> parse_member(const std::string& name, const Json& json, JsonSettings& into) {
  if (name == "measurements") return parse_measured(json, into.settings);
  if (name == "release") return parse_release_member(json, into.settings);
  if (name == "roots") return parse_roots(json, into.settings);
  if (name == "policy") return {};  // read first, so that measurements join it
  if (name == "authorities" || name == "dial" || name == "binding" || name == "identity") {
    return parse_text_member(name, json, into);
  }
  if (name == "timeout_ms") {
    constexpr std::int64_t kDay = 86'400'000;
    if (json.as_int() == nullptr || *json.as_int() < 1 || *json.as_int() > kDay) return fail(wrong(name, "1 to 86400000"));
    into.settings.time = std::chrono::milliseconds(*json.as_int());
    return {};
  }
  return fail(Code::CLIENT_SETTINGS, printable(name), "perhaps \"" + nearest(name, kMembers) + "\"", "an unknown member");
}

}  // namespace

Result<JsonSettings> parse_settings(const Json& json) {
  const Json::Object* members = json.as_object();
  if (members == nullptr) return fail(wrong("options", "an object"));
  JsonSettings result;
  if (const Json* rules = json.find("policy")) {
    TRY_ASSIGN(result.settings.policy, policy::parse_policy(*rules));
  }
  for (const auto& [name, value] : *members) TRY(parse_member(name, value, result));
  if (result.settings.roots.empty()) result.settings.roots.push_back(attest::production_root());
  if (result.settings.authorities.pem.empty()) result.settings.authorities.system = true;
  return result;
}

}  // namespace cages::client
