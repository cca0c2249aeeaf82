// SPDX-License-Identifier: Apache-2.0
// Encrypted strings as clients of the published scheme write them, byte for byte (docs/protocol.md, "Encrypted
// values"):
//   ev:VERSION:[TYPE:]IV:EPHEMERAL:SEALED:$        TYPE = number | boolean | string (a string's is left out when
//   written)
// each of the last three base64 (RFC 4648 §4) without padding; and the metadata that some versions seal before the
// value. No keys here: crypto/ev.h opens and seals. For the engine, the local API and automatic decryption.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace cages::wire {

enum class EvCurve : std::uint8_t { secp256k1, p256 };

// What a version means. The versions are base64 of city codes; their names here are those codes.
enum class EvVersion : std::uint8_t {
  dub,       // RFVC, and strings without a version: secp256k1; the key is the raw X coordinate; no associated data
  kir,       // S0lS: secp256k1 with metadata
  noc,       // Tk9D: P-256
  p256_role  // QkTC: P-256 with metadata
};
enum class EvType : std::uint8_t { string = 0, number = 1, boolean = 2 };  // the type's nibble in associated data

inline constexpr std::size_t kEvIvBytes = 12;
inline constexpr std::size_t kEvPointBytes = 33;  // SEC 1 §2.3.3, compressed
inline constexpr std::size_t kEvTagBytes = 16;
inline constexpr std::size_t kEvRoleBytesMax = 20;

EvCurve curve_of(EvVersion version);
bool has_metadata(EvVersion version);

struct EvString {
  EvVersion version = EvVersion::p256_role;
  EvType type = EvType::string;
  std::array<Byte, kEvIvBytes> iv{};
  std::array<Byte, kEvPointBytes> ephemeral{};  // not yet looked at: any 33 bytes
  Bytes sealed;                                 // ciphertext ‖ tag, kEvTagBytes at least
};

// untrusted: parse_ev reads one whole string. EV_VERSION where it is of a version that is not readable, a debug string
// among them (its value is no secret); EV_FORMAT for the rest; LIMIT above kEvStringBytesMax.
Result<EvString> parse_ev(std::string_view text);
std::string write_ev(const EvString& value);

// looks_like_ev: worth parsing: begins and ends as every such string does, within the bound.
bool looks_like_ev(std::string_view text);

// Metadata: who may read the value, where and when it was sealed (a msgpack map {"dr", "eo", "et"}).
struct EvMetadata {
  std::optional<std::string> role;  // [a-z0-9-]{1,20}
  std::uint32_t origin = 0;
  std::uint32_t sealed_at = 0;  // Unix seconds, the client's word
  friend bool operator==(const EvMetadata&, const EvMetadata&) = default;
};
bool valid_role(std::string_view text);

// write_ev_metadata: u16 LE length ‖ map: what stands before the value.
Bytes write_ev_metadata(const EvMetadata& metadata);
// untrusted: parse_ev_metadata reads it off the front and returns how many bytes it took. EV_FORMAT.
Result<std::pair<EvMetadata, std::size_t>> parse_ev_metadata(ByteView plain);

}  // namespace cages::wire
