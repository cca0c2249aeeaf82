// SPDX-License-Identifier: Apache-2.0
#include "wire/ev_file.h"

#include <zlib.h>

#include <algorithm>

#include "base/limits.h"

namespace cages::wire {
namespace {

constexpr std::array<Byte, 6> kMagic{0x25, 0x45, 0x56, 0x45, 0x4e, 0x43};
constexpr Byte kSecp256k1 = 2;
constexpr Byte kP256 = 3;

// CRC-32 of IEEE 802.3; the bytes are authenticated by their tag, this only finds broken copies.
std::uint32_t checksum(ByteView bytes) { return static_cast<std::uint32_t>(::crc32_z(0, bytes.data(), bytes.size())); }

std::uint32_t little_endian(ByteView bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = bytes.size(); i > 0; --i) value = value << 8 | bytes[i - 1];
  return value;
}

}  // namespace

bool looks_like_ev_file(ByteView bytes) {
  return bytes.size() >= kMagic.size() && equal(bytes.first(kMagic.size()), kMagic);
}

Result<EvFile> parse_ev_file(ByteView bytes) {
  if (bytes.size() > limits::kEvFileBytesMax) {
    return fail(Code::LIMIT, "encrypted file", std::to_string(limits::kEvFileBytesMax) + " bytes",
                std::to_string(bytes.size()));
  }
  if (!looks_like_ev_file(bytes)) return fail(Code::EV_FORMAT, "file", "%EVENC", "another beginning");
  if (bytes.size() < kEvFileHeaderBytes + kEvTagBytes + kEvFileTrailerBytes) {
    return fail(Code::EV_FORMAT, "file", "a header, a tag and a checksum", std::to_string(bytes.size()) + " bytes");
  }
  const Byte version = bytes[6];
  if (version != kSecp256k1 && version != kP256)
    return fail(Code::EV_VERSION, "file", "2 or 3", std::to_string(version));
  const std::uint32_t offset = little_endian(bytes.subspan(7, 2));
  if (offset != kEvFileHeaderBytes) return fail(Code::EV_FORMAT, "offset", "55", std::to_string(offset));
  const Byte flags = bytes[kEvFileHeaderBytes - 1];
  if (flags != 0) return fail(Code::EV_VERSION, "flags", "0", std::to_string(flags));
  const ByteView covered = bytes.first(bytes.size() - kEvFileTrailerBytes);
  if (little_endian(bytes.last(kEvFileTrailerBytes)) != checksum(covered)) {
    return fail(Code::EV_FORMAT, "checksum", "that of the bytes before it", "another");
  }
  EvFile file;
  file.curve = version == kP256 ? EvCurve::p256 : EvCurve::secp256k1;
  std::ranges::copy(bytes.subspan(9, kEvPointBytes), file.ephemeral.begin());
  std::ranges::copy(bytes.subspan(9 + kEvPointBytes, kEvIvBytes), file.iv.begin());
  file.sealed = covered.subspan(kEvFileHeaderBytes);
  return file;
}

Bytes write_ev_file(const EvFile& file) {
  Bytes out = to_bytes(ByteView(kMagic));
  out.push_back(file.curve == EvCurve::p256 ? kP256 : kSecp256k1);
  out.push_back(static_cast<Byte>(kEvFileHeaderBytes));
  out.push_back(0);
  append(out, file.ephemeral);
  append(out, file.iv);
  out.push_back(0);
  append(out, file.sealed);
  const std::uint32_t crc = checksum(out);
  for (const int shift : {0, 8, 16, 24}) out.push_back(static_cast<Byte>(crc >> shift));
  return out;
}

}  // namespace cages::wire
