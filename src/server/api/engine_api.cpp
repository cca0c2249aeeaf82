// SPDX-License-Identifier: Apache-2.0
#include "server/api/engine_api.h"

#include <algorithm>

#include "base/limits.h"
#include "crypto/ev_json.h"
#include "wire/pem.h"

namespace cages::server {
namespace {

constexpr std::string_view kPemPublicKey = "PUBLIC KEY";

Result<Json> key_json(wire::EvCurve curve, std::int64_t version, std::int64_t created, const crypto::EvPoint& point) {
  TRY_ASSIGN(const Bytes whole, crypto::uncompressed(curve, point));
  TRY_ASSIGN(const Bytes spki, crypto::ev_spki(curve, point));
  const ByteView coordinates = ByteView(whole).subspan(1);
  const std::size_t width = coordinates.size() / 2;
  const Json jwk = Json::object({{"kty", "EC"},
                                 {"crv", curve == wire::EvCurve::p256 ? "P-256" : "secp256k1"},
                                 {"x", base64url(coordinates.first(width))},
                                 {"y", base64url(coordinates.subspan(width))}});
  return Json::object({{"curve", curve_name(curve)},
                       {"version", version},
                       {"created", created},
                       {"compressed", base64(point)},
                       {"pem", wire::write_pem(spki, kPemPublicKey)},
                       {"jwk", jwk}});
}

Result<policy::DecryptCaller> read_caller(const Json& body) {
  const std::string word = body.text_or("caller", "cage");
  const auto kind = policy::parse_caller(word);
  if (!kind) return fail(Code::POLICY_UNKNOWN, "caller", "cage or api_key", printable(word));
  policy::DecryptCaller caller{*kind, {}};
  if (const std::string text = body.text_or("pcr0", ""); !text.empty()) {
    TRY_ASSIGN(const Bytes bytes, parse_hex(text));
    Pcr pcr{};
    if (bytes.size() != pcr.size()) return fail(Code::HEX, "pcr0", "96 digits", std::to_string(text.size()));
    std::ranges::copy(bytes, pcr.begin());
    caller.pcr0 = pcr;
  }
  return caller;
}

}  // namespace

Result<Json> EngineApi::keys(const App& app) {
  TRY(engine_.public_keys(app.id));  // there is a first pair from the first time that somebody asks
  TRY_ASSIGN(const std::vector<EngineKey> rows, engine_.list_keys(app.id));
  Json::Array list;
  for (const EngineKey& row : rows) {
    const wire::EvCurve curve = row.curve == "p256" ? wire::EvCurve::p256 : wire::EvCurve::secp256k1;
    TRY_ASSIGN(Json one, key_json(curve, row.version, row.created, row.public_point));
    list.push_back(std::move(one));
  }
  return Json::object({{"app", app.id}, {"keys", Json(std::move(list))}});
}

Result<Json> EngineApi::rotate(const App& app) {
  TRY(engine_.rotate(app.id));
  return keys(app);
}

Result<Json> EngineApi::client_keys(const App& app) {
  TRY_ASSIGN(const PublicKeys keys, engine_.public_keys(app.id));
  TRY_ASSIGN(const Bytes whole, crypto::uncompressed(wire::EvCurve::p256, keys.p256));
  return Json::object({{"appUuid", app.id},
                       {"ecdhKey", base64(keys.secp256k1)},
                       {"ecdhP256Key", base64(keys.p256)},
                       {"ecdhP256KeyUncompressed", base64(whole)}});
}

Result<Json> EngineApi::roles(const App& app) {
  TRY_ASSIGN(const std::vector<std::string> names, engine_.roles(app.id));
  Json::Array list;
  for (const std::string& name : names) list.emplace_back(name);
  return Json::object({{"roles", Json(std::move(list))}});
}

Result<Json> EngineApi::new_role(const App& app, const Json& body) {
  const std::string name = body.text_or("name", "");
  TRY(engine_.new_role(app.id, name));
  return Json::object({{"name", name}});
}

Result<Json> EngineApi::policy(const App& app) {
  TRY_ASSIGN(const policy::DecryptPolicy policy, engine_.policy_of(app.id));
  return policy.to_json();
}

Result<Json> EngineApi::set_policy(const App& app, const Json& body) {
  TRY_ASSIGN(const policy::DecryptPolicy policy, engine_.set_policy(app.id, body));
  return policy.to_json();
}

Result<Json> EngineApi::test_policy(const App& app, const Json& body) {
  TRY_ASSIGN(const policy::DecryptPolicy policy, engine_.policy_of(app.id));
  TRY_ASSIGN(const policy::DecryptCaller caller, read_caller(body));
  const auto verdict = policy.allows(caller, body.text_or("role", ""), body.int_or("at", unix_seconds(clock_.wall())));
  if (!verdict) return Json::object({{"verdict", "refused"}, {"because", verdict.error().got}});
  return Json::object({{"verdict", "allowed"}, {"rule", (*verdict)->name}});
}

Result<Json> EngineApi::decrypt(const App& app, std::string_view actor, Json body) {
  const Json* found = body.find("data");
  if (found == nullptr) return fail(Code::MISSING, "data", "any JSON", "none");
  Json data = *found;
  TRY_ASSIGN(const auto leaves, crypto::sealed_leaves(data, limits::kEngineItemsMax));
  std::vector<std::string_view> values;
  for (const auto& leaf : leaves) values.emplace_back(*leaf.leaf->as_string());
  const policy::DecryptCaller caller{policy::CallerKind::api_key, {}};
  TRY_ASSIGN(OpenedValues opened, engine_.open(app.id, caller, actor, values));
  for (std::size_t i = 0; i < opened.size(); ++i) {
    Result<void> put =
        opened[i] ? crypto::put_opened(*leaves[i].leaf, opened[i]->type, opened[i]->value) : fail(opened[i].error());
    if (put) continue;
    crypto::wipe_texts(data);
    Error error = std::move(put).error();
    error.got = leaves[i].path + ": " + error.got;
    return fail(std::move(error));
  }
  return Json::object({{"data", std::move(data)}});
}

}  // namespace cages::server
