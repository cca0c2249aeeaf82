// SPDX-License-Identifier: Apache-2.0
#include "server/engine/engine.h"

#include <algorithm>

#include "base/limits.h"

namespace cages::server {
namespace {

constexpr std::array kCurves{wire::EvCurve::p256, wire::EvCurve::secp256k1};

Result<wire::EvCurve> curve_of(std::string_view name) {
  const auto found = std::ranges::find(kCurves, name, curve_name);
  if (found == kCurves.end()) return fail(Code::IO, "database", "a curve", printable(name));
  return *found;
}

std::string place_of(const std::string& app, std::string_view curve) {
  return "engine/" + app + "/" + std::string(curve);
}

}  // namespace

std::string_view curve_name(wire::EvCurve curve) { return curve == wire::EvCurve::p256 ? "p256" : "secp256k1"; }

// How many values of which role were opened or refused.
struct Engine::Tally {
  std::map<std::string, std::pair<std::size_t, std::size_t>> roles;
  std::size_t unreadable = 0;
  std::string last_refusal;

  [[nodiscard]] std::string text() const {
    std::string out;
    for (const auto& [role, counts] : roles) {
      out += (role.empty() ? "no role" : "role " + role) + ": " + std::to_string(counts.first) + " opened, " +
             std::to_string(counts.second) + " refused; ";
    }
    if (unreadable > 0) out += std::to_string(unreadable) + " not readable; ";
    return out + last_refusal;
  }
};

Result<void> Engine::make_pair(const std::string& app, wire::EvCurve curve) {
  TRY_ASSIGN(const crypto::EvPrivateKey pair, crypto::EvPrivateKey::generate(curve));
  EngineKey row;
  row.app = app;
  row.curve = curve_name(curve);
  row.public_point = pair.public_point();
  TRY_ASSIGN(row.wrapped, wrapper_.wrap(place_of(app, row.curve), pair.bytes()));
  TRY_ASSIGN(const std::int64_t version, store_.add_engine_key(row));
  return store_.audit("engine", "key.new", app, "ok", row.curve + " version " + std::to_string(version));
}

Result<PublicKeys> Engine::rotate(const std::string& app) {
  keys_.erase(app);
  for (const wire::EvCurve curve : kCurves) TRY(make_pair(app, curve));
  return public_keys(app);
}

Result<PublicKeys> Engine::public_keys(const std::string& app) {
  TRY_ASSIGN(const std::vector<EngineKey> rows, store_.engine_keys(app));
  PublicKeys out;
  for (const wire::EvCurve curve : kCurves) {
    const auto newest = std::ranges::find(rows, curve_name(curve), &EngineKey::curve);
    if (newest == rows.end()) {
      keys_.erase(app);
      TRY(make_pair(app, curve));
      return public_keys(app);
    }
    (curve == wire::EvCurve::p256 ? out.p256 : out.secp256k1) = newest->public_point;
  }
  return out;
}

Result<const std::vector<Engine::AppKey>*> Engine::private_keys(const std::string& app) {
  const auto known = keys_.find(app);
  if (known != keys_.end()) return &known->second;
  TRY_ASSIGN(const std::vector<EngineKey> rows, store_.engine_keys(app));
  std::vector<AppKey> keys;
  for (const EngineKey& row : rows) {
    TRY_ASSIGN(const wire::EvCurve curve, curve_of(row.curve));
    TRY_ASSIGN(Secret scalar, wrapper_.unwrap(place_of(app, row.curve), row.wrapped));
    TRY_ASSIGN(crypto::EvPrivateKey key, crypto::EvPrivateKey::from_bytes(curve, std::move(scalar)));
    if (key.public_point() != row.public_point)
      return fail(Code::ENGINE_KEY, "key", "the pair that was made", "another public half");
    keys.push_back({row.version, std::move(key)});
  }
  return &keys_.emplace(app, std::move(keys)).first->second;
}

Result<void> Engine::new_role(const std::string& app, std::string_view name) {
  if (!wire::valid_role(name)) return fail(Code::USAGE, "role", "[a-z0-9-]{1,20}", printable(name));
  return store_.add_role(app, name);
}

Result<policy::DecryptPolicy> Engine::policy_of(const std::string& app) {
  TRY_ASSIGN(const std::optional<std::string> text, store_.decrypt_policy(app));
  if (!text) return policy::DecryptPolicy::standard();
  TRY_ASSIGN(const Json json, parse_json(*text));
  TRY_ASSIGN(const std::vector<std::string> known, store_.roles(app));
  return policy::DecryptPolicy::parse(json, known);
}

Result<policy::DecryptPolicy> Engine::set_policy(const std::string& app, const Json& json) {
  TRY_ASSIGN(const std::vector<std::string> known, store_.roles(app));
  TRY_ASSIGN(policy::DecryptPolicy policy, policy::DecryptPolicy::parse(json, known));
  TRY(store_.set_decrypt_policy(app, write_json(policy.to_json())));
  return policy;
}

Result<const Secret*> Engine::content_key(const crypto::EvPrivateKey& key, const wire::EvString& value) {
  const crypto::EvDerivation derivation = crypto::derivation_of(value.version);
  ContentKeys& kept = content_keys_[static_cast<std::size_t>(derivation)];
  const auto which = std::pair{key.public_point(), value.ephemeral};
  if (const auto known = kept.find(which); known != kept.end()) return &known->second;
  TRY_ASSIGN(Secret made, crypto::ev_content_key(key, derivation, value.ephemeral));
  if (kept.size() >= limits::kEngineContentKeysMax)
    kept.clear();  // whoever sends fresh ones each time gains nothing from old ones
  return &kept.emplace(which, std::move(made)).first->second;
}

// A value does not say which of the app's keys it was sealed to: the newest is tried first, and the tag tells.
Result<crypto::EvOpened> Engine::open_with_any(const std::vector<AppKey>& keys, const wire::EvString& value) {
  Result<crypto::EvOpened> outcome = fail(Code::SEALED, "", "a value sealed to one of the app's keys", "another");
  for (const AppKey& candidate : keys) {
    if (candidate.key.curve() != wire::curve_of(value.version)) continue;
    TRY_ASSIGN(const Secret* key, content_key(candidate.key, value));
    outcome = crypto::ev_open(candidate.key.public_point(), *key, value);
    if (outcome || outcome.error().code != Code::SEALED) return outcome;
  }
  return outcome;
}

Result<OpenedValue> Engine::open_one(const std::vector<AppKey>& keys, const policy::DecryptPolicy& policy,
                                     const policy::DecryptCaller& caller, std::string_view text, Tally& tally) {
  const auto value = wire::parse_ev(text);
  auto opened = value ? open_with_any(keys, *value) : Result<crypto::EvOpened>(fail(value.error()));
  if (!opened) {
    ++tally.unreadable;
    return fail(std::move(opened).error());
  }
  const std::string role = opened->metadata && opened->metadata->role ? *opened->metadata->role : "";
  const auto allowed = policy.allows(caller, role, unix_seconds(clock_.wall()));
  auto& counts = tally.roles[role];
  if (!allowed) {
    ++counts.second;
    tally.last_refusal = describe(allowed.error());
    return fail(allowed.error());
  }
  ++counts.first;
  return OpenedValue{value->type, std::move(opened->value)};
}

Result<OpenedValues> Engine::open(const std::string& app, const policy::DecryptCaller& caller, std::string_view actor,
                                  const std::vector<std::string_view>& values) {
  if (values.size() > limits::kEngineItemsMax) {
    return fail(Code::LIMIT, "values", std::to_string(limits::kEngineItemsMax), std::to_string(values.size()));
  }
  TRY_ASSIGN(const std::vector<AppKey>* keys, private_keys(app));
  TRY_ASSIGN(const policy::DecryptPolicy policy, policy_of(app));
  Tally tally;
  OpenedValues out;
  out.reserve(values.size());
  for (const std::string_view value : values) out.push_back(open_one(*keys, policy, caller, value, tally));
  // No value leaves without its line in the log.
  TRY(store_.audit(actor, "decrypt", app, tally.last_refusal.empty() ? "ok" : "ENGINE_POLICY", tally.text()));
  return out;
}

}  // namespace cages::server
