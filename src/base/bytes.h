// SPDX-License-Identifier: Apache-2.0
// Bytes and their texts: hex, base64, safe printing, constant-time comparison. For every part. Secrets live in secret.h.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cages {

using Byte = std::uint8_t;
using Bytes = std::vector<Byte>;
// lifetime: a view never outlives what it looks into; functions that take one do not keep it.
using ByteView = std::span<const Byte>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const Byte*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes to_bytes(ByteView view) { return {view.begin(), view.end()}; }
inline Bytes to_bytes(std::string_view text) { return to_bytes(as_bytes(text)); }

// append adds `more` to the end of `to`.
inline void append(Bytes& to, ByteView more) { to.insert(to.end(), more.begin(), more.end()); }

// equal compares contents; not constant time, for public values.
bool equal(ByteView a, ByteView b);
// equal_constant_time takes a time that depends on the lengths alone.
bool equal_constant_time(ByteView a, ByteView b);
bool all_zero(ByteView bytes);

// hex writes lower case; parse_hex reads either case; HEX on an odd length or another character.
std::string hex(ByteView bytes);
Result<Bytes> parse_hex(std::string_view text);

// base64: RFC 4648 §4 with padding; parse is strict (padding required, no white space, zero trailing bits); BASE64 else.
std::string base64(ByteView bytes);
Result<Bytes> parse_base64(std::string_view text);
// base64url: RFC 4648 §5 without padding, as JWS wants it.
std::string base64url(ByteView bytes);
Result<Bytes> parse_base64url(std::string_view text);

// printable escapes what a terminal or a log line could be hurt by (control characters, bytes ≥ 0x7f) as \xHH, and cuts
// after `length_max` characters with "...".
std::string printable(std::string_view text, std::size_t length_max = 80);

}  // namespace cages
