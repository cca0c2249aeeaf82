// SPDX-License-Identifier: Apache-2.0
// Tokens signed and verified (wire/token.h has their form). For caged, which issues them and later judges them; a host
// and an enclave only carry them.
#pragma once

#include <array>
#include <string>

#include "base/clock.h"
#include "crypto/key.h"
#include "wire/engine_token.h"
#include "wire/token.h"

namespace cages::crypto {

// token_key_id: the first 8 characters of base64url(SHA-256(SPKI)).
std::string token_key_id(const PublicKey& key);

// issue_token signs `claims` with a P-256 key. LIMIT above kTokenBytesMax or kTokenLifeMax; INTERNAL on another curve.
Result<std::string> issue_token(const wire::TokenClaims& claims, const PrivateKey& key);

// Claims whose signature was found good and whose time is now. Only verify_token makes one.
class VerifiedToken {
 public:
  [[nodiscard]] const wire::TokenClaims& claims() const { return claims_; }

 private:
  explicit VerifiedToken(wire::TokenClaims claims) : claims_(std::move(claims)) {}
  friend Result<VerifiedToken> verify_token(const wire::UnverifiedToken&, const PublicKey&, std::string_view, WallTime);
  wire::TokenClaims claims_;
};

// verify_token: TOKEN_SIGNATURE, TOKEN_EXPIRED outside [iat − kTokenSkew, exp] or
// where it lives longer than kTokenLifeMax, TOKEN_AUDIENCE. Not here: single use, host, address (server/provisioner).
Result<VerifiedToken> verify_token(const wire::UnverifiedToken& token, const PublicKey& key, std::string_view audience,
                                   WallTime now);

// The same for the engine's tokens, at most kEngineTokenLifeMax long. verify_engine_token returns the claims; who uses them
// checks S's signature over the connection too.
Result<std::string> issue_engine_token(const wire::EngineTokenClaims& claims, const PrivateKey& key);
Result<wire::EngineTokenClaims> verify_engine_token(const wire::UnverifiedEngineToken& token, const PublicKey& key,
                                                    WallTime now);

}  // namespace cages::crypto
