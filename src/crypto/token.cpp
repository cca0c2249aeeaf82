// SPDX-License-Identifier: Apache-2.0
#include "crypto/token.h"

#include "base/check.h"
#include "base/limits.h"
#include "crypto/hash.h"

namespace cages::crypto {
namespace {

bool lives_now(std::int64_t issued_at, std::int64_t expires_at, std::chrono::seconds life_max, std::int64_t now) {
  // Compared before subtracting: the claims may hold any int64.
  return issued_at >= 0 && expires_at >= issued_at && expires_at - issued_at <= life_max.count() && now <= expires_at &&
         now >= issued_at - limits::kTokenSkew.count();
}

std::unexpected<Error> expired(std::int64_t issued_at, std::int64_t expires_at, WallTime now) {
  return fail(Code::TOKEN_EXPIRED, "", std::to_string(issued_at) + " … " + std::to_string(expires_at),
              std::to_string(unix_seconds(now)));
}

}  // namespace

std::string token_key_id(const PublicKey& key) {
  return base64url(sha256(key.spki())).substr(0, wire::kTokenKeyIdBytes);
}

Result<std::string> issue_token(const wire::TokenClaims& claims, const PrivateKey& key) {
  if (key.curve() != Curve::p256) return fail(Code::INTERNAL, "token key", "P-256", "another curve");
  if (claims.expires_at - claims.issued_at > limits::kTokenLifeMax.count()) {
    return fail(Code::LIMIT, "token life", std::to_string(limits::kTokenLifeMax.count()) + " s", "longer");
  }
  const std::string head = wire::write_token_head(token_key_id(key.public_key()), claims);
  TRY_ASSIGN(const Bytes signature, key.sign(as_bytes(head)));
  std::string token = wire::write_token(head, signature);
  if (token.size() > limits::kTokenBytesMax) {
    return fail(Code::LIMIT, "token", std::to_string(limits::kTokenBytesMax) + " bytes", std::to_string(token.size()));
  }
  return token;
}

Result<VerifiedToken> verify_token(const wire::UnverifiedToken& token, const PublicKey& key, std::string_view audience,
                                   WallTime now) {
  const bool signed_well = key.curve() == Curve::p256 && key.verify(as_bytes(token.signed_part), token.signature);
  const std::string key_id = token_key_id(key);
  if (!CAGES_CHECK("TOKEN_SIGNATURE", signed_well)) {
    return fail(Code::TOKEN_SIGNATURE, "", "by key " + key_id, "key " + printable(token.key_id));
  }
  const auto& claims = token.claims;
  if (!CAGES_CHECK("TOKEN_EXPIRED",
                   lives_now(claims.issued_at, claims.expires_at, limits::kTokenLifeMax, unix_seconds(now)))) {
    return expired(claims.issued_at, claims.expires_at, now);
  }
  if (!CAGES_CHECK("TOKEN_AUDIENCE", token.claims.audience == audience)) {
    return fail(Code::TOKEN_AUDIENCE, "", std::string(audience), printable(token.claims.audience));
  }
  return VerifiedToken(token.claims);
}

Result<std::string> issue_engine_token(const wire::EngineTokenClaims& claims, const PrivateKey& key) {
  if (key.curve() != Curve::p256) return fail(Code::INTERNAL, "token key", "P-256", "another curve");
  if (claims.expires_at - claims.issued_at > limits::kEngineTokenLifeMax.count()) return fail(Code::LIMIT, "token life");
  const std::string head = wire::write_engine_token_head(token_key_id(key.public_key()), claims);
  TRY_ASSIGN(const Bytes signature, key.sign(as_bytes(head)));
  return wire::write_token(head, signature);
}

Result<wire::EngineTokenClaims> verify_engine_token(const wire::UnverifiedEngineToken& token, const PublicKey& key,
                                                    WallTime now) {
  if (key.curve() != Curve::p256 || !key.verify(as_bytes(token.signed_part), token.signature)) {
    return fail(Code::TOKEN_SIGNATURE);
  }
  const auto& claims = token.claims;
  if (!lives_now(claims.issued_at, claims.expires_at, limits::kEngineTokenLifeMax, unix_seconds(now))) {
    return expired(claims.issued_at, claims.expires_at, now);
  }
  return claims;
}

}  // namespace cages::crypto
