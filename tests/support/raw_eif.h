// SPDX-License-Identifier: Apache-2.0
// Enclave images built field by field, so that a test can get any of them wrong. Independent of the product's writer:
// only the checksum is shared. For tests.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "eif/crc.h"

namespace cages::test {

struct RawSection {
  std::uint16_t type;
  Bytes data;
  std::uint16_t flags = 0;
  std::uint64_t gap_before = 0;
};

struct RawEif {
  Byte magic = '.';
  std::uint16_t version = 4;
  std::uint16_t flags = 0;
  std::uint16_t reserved = 0;
  std::uint32_t unused = 0;
  std::vector<RawSection> sections;
};

inline void put(Bytes& bytes, std::size_t at, std::uint64_t value, std::size_t width) {
  if (bytes.size() < at + width) bytes.resize(at + width);
  for (std::size_t i = width; i-- > 0; value >>= 8) bytes[at + i] = static_cast<Byte>(value);
}

inline void fix_crc(Bytes& file) {
  eif::Crc crc;
  crc.update(ByteView(file).first(544));
  crc.update(ByteView(file).subspan(548));
  put(file, 544, crc.value(), 4);
}

inline Bytes build(const RawEif& eif) {
  Bytes out(548);
  const Bytes magic{eif.magic, 'e', 'i', 'f'};
  std::copy(magic.begin(), magic.end(), out.begin());
  put(out, 4, eif.version, 2);
  put(out, 6, eif.flags, 2);
  put(out, 8, 1073741824, 8);
  put(out, 16, 2, 8);
  put(out, 24, eif.reserved, 2);
  put(out, 26, eif.sections.size(), 2);
  put(out, 0x21c, eif.unused, 4);
  for (std::size_t i = 0; i < eif.sections.size(); ++i) {
    const RawSection& section = eif.sections[i];
    out.resize(out.size() + section.gap_before);
    if (i < 32) {
      put(out, 0x1c + 8 * i, out.size(), 8);
      put(out, 0x11c + 8 * i, section.data.size(), 8);
    }
    const std::size_t at = out.size();
    put(out, at, section.type, 2);
    put(out, at + 2, section.flags, 2);
    put(out, at + 4, section.data.size(), 8);
    append(out, section.data);
  }
  fix_crc(out);
  return out;
}

// kernel, cmdline, metadata, two ramdisks.
inline RawEif sample_eif() {
  RawEif eif;
  eif.sections = {{1, to_bytes("kernel")},
                  {2, to_bytes("console=ttyS0 panic=30")},
                  {5, to_bytes("{}")},
                  {3, to_bytes("ramdisk 0")},
                  {3, to_bytes("ramdisk 1")}};
  return eif;
}

}  // namespace cages::test
