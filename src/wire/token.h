// SPDX-License-Identifier: Apache-2.0
// The token that caged issues to a host for one enclave (design §4.2): a JWT (RFC 7519) by ES256 whose header is one exact
// sequence of bytes but for the key id, and whose claims have one exact form, so that there is nothing to interpret. Bytes
// <-> types; crypto/token.h signs and verifies.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/compact_jwt.h"

namespace cages::wire {

// 16 random bytes that name a deployment, host, token or version.
using Id = std::array<Byte, 16>;
// write_id: base64url, 22 characters. parse_id: that and nothing else; BASE64 else.
std::string write_id(const Id& id);
Result<Id> parse_id(std::string_view text);

// What the token is good for; an engine token says something else.
inline constexpr std::string_view kTokenAudience = "prov";

struct TokenClaims {
  std::string audience{kTokenAudience};
  Id deployment{};
  Id host{};
  std::string address;                // of the host as caged saw it, in canonical text
  std::array<Byte, 32> host_key{};    // SHA-256 of the host certificate's SubjectPublicKeyInfo
  Id id{};                            // jti
  std::int64_t issued_at = 0;         // Unix seconds
  std::int64_t expires_at = 0;
  bool operator==(const TokenClaims&) const = default;
};

// A token as read: nobody's word yet.
struct UnverifiedToken {
  std::string key_id;     // 8 characters
  TokenClaims claims;
  std::string signed_part;  // header.payload, what the signature is over
  Bytes signature;          // r||s
};

// write_token_head returns header.payload for `key_id` (8 characters of base64url) and `claims`.
std::string write_token_head(std::string_view key_id, const TokenClaims& claims);
// write_token joins head and signature (64 bytes).
std::string write_token(std::string_view head, ByteView signature);

// untrusted: parse_token reads one token. TOKEN_HEADER before anything else is read where the header differs in one byte
// from ours (another algorithm, a key brought along, another order); TOKEN_FORMAT for the rest, LIMIT above kTokenBytesMax.
Result<UnverifiedToken> parse_token(std::string_view text);

}  // namespace cages::wire
