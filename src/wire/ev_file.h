// SPDX-License-Identifier: Apache-2.0
// Encrypted files as clients of the published scheme write them (docs/protocol.md, "Encrypted values"):
//   25 45 56 45 4e 43 ‖ version ‖ u16 LE offset of the sealed bytes (55) ‖ ephemeral key 33 ‖ IV 12 ‖ flags ‖ sealed ‖
//   CRC-32 LE of all before
// For the engine and for automatic decryption of multipart file parts.
#pragma once

#include "wire/ev_string.h"

namespace cages::wire {

inline constexpr std::size_t kEvFileHeaderBytes = 55;
inline constexpr std::size_t kEvFileTrailerBytes = 4;

struct EvFile {
  EvCurve curve = EvCurve::p256;
  std::array<Byte, kEvPointBytes> ephemeral{};
  std::array<Byte, kEvIvBytes> iv{};
  ByteView sealed;  // lifetime: looks into what was parsed; ciphertext ‖ tag
};

// looks_like_ev_file: begins as every such file does.
bool looks_like_ev_file(ByteView bytes);
// untrusted: parse_ev_file reads a whole file. EV_VERSION for a version or flags that are not known; EV_FORMAT for the
// rest (a checksum that is not the bytes' among it); LIMIT above kEvFileBytesMax.
Result<EvFile> parse_ev_file(ByteView bytes);
Bytes write_ev_file(const EvFile& file);

}  // namespace cages::wire
