// SPDX-License-Identifier: Apache-2.0
#include "wire/engine_token.h"

#include <algorithm>

#include "base/json.h"
#include "base/limits.h"
#include "wire/compact_jwt.h"

namespace cages::wire {
namespace {

constexpr std::string_view kType = "cage-engine+jwt";

std::string write_claims(const EngineTokenClaims& claims) {
  return write_json(Json::object({{"aud", kEngineTokenAudience},
                                  {"dep", write_id(claims.deployment)},
                                  {"cnf", base64url(claims.session_key)},
                                  {"jti", write_id(claims.id)},
                                  {"iat", claims.issued_at},
                                  {"exp", claims.expires_at}}));
}

}  // namespace

std::string write_engine_token_head(std::string_view key_id, const EngineTokenClaims& claims) {
  return write_jwt_head(kType, key_id, write_claims(claims));
}

Result<UnverifiedEngineToken> parse_engine_token(std::string_view text) {
  TRY_ASSIGN(CompactJwt jwt, parse_jwt(text, kType, limits::kEngineTokenBytesMax));
  const auto json = parse_json(jwt.payload, limits::kEngineTokenBytesMax);
  if (!json || !json->is_object()) return fail(Code::TOKEN_FORMAT);
  EngineTokenClaims claims;
  const auto deployment = parse_id(json->text_or("dep", ""));
  const auto id = parse_id(json->text_or("jti", ""));
  const auto key = parse_base64url(json->text_or("cnf", ""));
  if (!deployment || !id || !key || key->size() != claims.session_key.size()) return fail(Code::TOKEN_FORMAT, "", "ids", "");
  claims.deployment = *deployment;
  claims.id = *id;
  std::ranges::copy(*key, claims.session_key.begin());
  claims.issued_at = json->int_or("iat", 0);
  claims.expires_at = json->int_or("exp", 0);
  // One form only, as in token.cpp; the audience is part of it.
  if (write_claims(claims) != jwt.payload) return fail(Code::TOKEN_FORMAT, "", "the one form", "another");
  return UnverifiedEngineToken{std::move(jwt.key_id), claims, std::move(jwt.signed_part), std::move(jwt.signature)};
}

}  // namespace cages::wire
