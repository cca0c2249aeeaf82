// SPDX-License-Identifier: Apache-2.0
#include "wire/token.h"

#include <algorithm>

#include "base/json.h"
#include "base/limits.h"

namespace cages::wire {
namespace {

constexpr std::string_view kType = "cage+jwt";

std::string write_claims(const TokenClaims& claims) {
  return write_json(Json::object({{"aud", claims.audience},
                                  {"dep", write_id(claims.deployment)},
                                  {"host", write_id(claims.host)},
                                  {"ip", claims.address},
                                  {"key", base64url(claims.host_key)},
                                  {"jti", write_id(claims.id)},
                                  {"iat", claims.issued_at},
                                  {"exp", claims.expires_at}}));
}

std::unexpected<Error> bad_format(std::string_view what) {
  return fail(Code::TOKEN_FORMAT, "", "the canonical form of docs/protocol.md", std::string(what));
}

Result<TokenClaims> parse_claims(std::string_view text) {
  const auto json = parse_json(text, limits::kTokenBytesMax);
  if (!json || !json->is_object()) return bad_format("claims that are no JSON object");
  TokenClaims claims;
  claims.audience = json->text_or("aud", "");
  claims.address = json->text_or("ip", "");
  claims.issued_at = json->int_or("iat", 0);
  claims.expires_at = json->int_or("exp", 0);
  const auto deployment = parse_id(json->text_or("dep", ""));
  const auto host = parse_id(json->text_or("host", ""));
  const auto id = parse_id(json->text_or("jti", ""));
  const auto key = parse_base64url(json->text_or("key", ""));
  if (!deployment || !host || !id || !key || key->size() != claims.host_key.size()) return bad_format("bad ids");
  claims.deployment = *deployment;
  claims.host = *host;
  claims.id = *id;
  std::ranges::copy(*key, claims.host_key.begin());
  // One form only: what we would write ourselves. Excludes unknown members, other orders, spaces, escapes, other numbers.
  if (write_claims(claims) != text) return bad_format("claims in another form");
  return claims;
}

}  // namespace

std::string write_id(const Id& id) { return base64url(id); }

Result<Id> parse_id(std::string_view text) {
  TRY_ASSIGN(const Bytes bytes, parse_base64url(text));
  Id id;
  if (bytes.size() != id.size()) return fail(Code::BASE64, "", "22 characters of base64url", printable(text));
  std::ranges::copy(bytes, id.begin());
  return id;
}

std::string write_token_head(std::string_view key_id, const TokenClaims& claims) {
  return write_jwt_head(kType, key_id, write_claims(claims));
}

std::string write_token(std::string_view head, ByteView signature) { return write_jwt(head, signature); }

Result<UnverifiedToken> parse_token(std::string_view text) {
  TRY_ASSIGN(CompactJwt jwt, parse_jwt(text, kType, limits::kTokenBytesMax));
  UnverifiedToken token;
  TRY_ASSIGN(token.claims, parse_claims(jwt.payload));
  token.key_id = std::move(jwt.key_id);
  token.signed_part = std::move(jwt.signed_part);
  token.signature = std::move(jwt.signature);
  return token;
}

}  // namespace cages::wire
