// SPDX-License-Identifier: Apache-2.0
// The compact form that all our tokens share (RFC 7515 §7.1): header.payload.signature, where the header is one exact sequence
// of bytes but for the key id. For wire/token and wire/engine_token alone.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace cages::wire {

inline constexpr std::size_t kTokenKeyIdBytes = 8;

struct CompactJwt {
  std::string key_id;       // 8 characters of base64url
  std::string payload;      // decoded, nobody's word yet
  std::string signed_part;  // header.payload, what the signature is over
  Bytes signature;          // r||s, 64 bytes
};

// write_jwt_head returns header.payload for the `type` ("cage+jwt").
std::string write_jwt_head(std::string_view type, std::string_view key_id, std::string_view payload);
// write_jwt joins head and signature.
std::string write_jwt(std::string_view head, ByteView signature);
// untrusted: parse_jwt: LIMIT above `bytes_max`; TOKEN_HEADER, before anything else is decoded, where the header is not the one
// of `type`; TOKEN_FORMAT for the rest.
Result<CompactJwt> parse_jwt(std::string_view text, std::string_view type, std::size_t bytes_max);

}  // namespace cages::wire
