// SPDX-License-Identifier: Apache-2.0
#include "wire/token.h"

#include <algorithm>

#include "base/check.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/text.h"

namespace cages::wire {
namespace {

constexpr std::string_view kHeaderStart = R"({"alg":"ES256","typ":"cage+jwt","kid":")";
constexpr std::string_view kHeaderEnd = R"("})";
constexpr std::size_t kSignatureBytes = 64;

bool is_base64url(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

bool header_is_ours(std::string_view header) {
  constexpr std::size_t kSize = kHeaderStart.size() + kTokenKeyIdBytes + kHeaderEnd.size();
  return header.size() == kSize && header.starts_with(kHeaderStart) && header.ends_with(kHeaderEnd) &&
         is_base64url(header.substr(kHeaderStart.size(), kTokenKeyIdBytes));
}

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
  std::string header(kHeaderStart);
  header += key_id;
  header += kHeaderEnd;
  return base64url(as_bytes(header)) + '.' + base64url(as_bytes(write_claims(claims)));
}

std::string write_token(std::string_view head, ByteView signature) { return std::string(head) + '.' + base64url(signature); }

Result<UnverifiedToken> parse_token(std::string_view text) {
  if (text.size() > limits::kTokenBytesMax) {
    return fail(Code::LIMIT, "token", std::to_string(limits::kTokenBytesMax) + " bytes", std::to_string(text.size()));
  }
  const auto parts = split(text, '.');
  if (parts.size() != 3) return bad_format(std::to_string(parts.size()) + " parts");
  const auto header = parse_base64url(parts[0]);
  if (!header || !CAGES_CHECK("TOKEN_HEADER", header_is_ours(as_text(*header)))) return fail(Code::TOKEN_HEADER);
  const auto payload = parse_base64url(parts[1]);
  auto signature = parse_base64url(parts[2]);
  if (!payload || !signature || signature->size() != kSignatureBytes) return bad_format("bad base64url or signature");
  UnverifiedToken token;
  TRY_ASSIGN(token.claims, parse_claims(as_text(*payload)));
  const std::string_view kept = as_text(*header);
  token.key_id = kept.size() > kHeaderStart.size() ? kept.substr(kHeaderStart.size(), kTokenKeyIdBytes) : "";
  token.signed_part = text.substr(0, parts[0].size() + 1 + parts[1].size());
  token.signature = std::move(*signature);
  return token;
}

}  // namespace cages::wire
