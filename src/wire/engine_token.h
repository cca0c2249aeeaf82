// SPDX-License-Identifier: Apache-2.0
// The token by which a provisioned cage proves itself to the encryption engine (design §4.7, §7): a JWT by ES256 of one exact
// form, bound to the cage's session key. Bytes <-> types; crypto/token.h signs and verifies. Its key is not the key of host
// tokens, its header another: neither can be taken for the other.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/token.h"

namespace cages::wire {

inline constexpr std::string_view kEngineTokenAudience = "engine";

struct EngineTokenClaims {
  Id deployment{};
  std::array<Byte, 32> session_key{};  // cnf: SHA-256 of S's SubjectPublicKeyInfo
  Id id{};
  std::int64_t issued_at = 0;  // Unix seconds
  std::int64_t expires_at = 0;
  bool operator==(const EngineTokenClaims&) const = default;
};

struct UnverifiedEngineToken {
  std::string key_id;
  EngineTokenClaims claims;
  std::string signed_part;
  Bytes signature;
};

std::string write_engine_token_head(std::string_view key_id, const EngineTokenClaims& claims);
// untrusted: TOKEN_HEADER, TOKEN_FORMAT, LIMIT as in token.h.
Result<UnverifiedEngineToken> parse_engine_token(std::string_view text);

}  // namespace cages::wire
