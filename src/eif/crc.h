// SPDX-License-Identifier: Apache-2.0
// Crc: CRC-32/ISO-HDLC as an image's header carries it (nitro.md §1.3). Finds accidents, not attackers.
#pragma once

#include "base/bytes.h"

namespace cages::eif {

class Crc {
 public:
  void update(ByteView data);
  // append goes on with a part whose checksum was taken on its own, before the part in front of it was known.
  void append(const Crc& part);
  [[nodiscard]] std::uint32_t value() const { return value_; }

 private:
  std::uint32_t value_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace cages::eif
