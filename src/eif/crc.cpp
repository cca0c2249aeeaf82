// SPDX-License-Identifier: Apache-2.0
#include "eif/crc.h"

#include <zlib.h>

namespace cages::eif {

void Crc::update(ByteView data) {
  value_ = static_cast<std::uint32_t>(::crc32_z(value_, data.data(), data.size()));
  bytes_ += data.size();
}

void Crc::append(const Crc& part) {
  value_ = static_cast<std::uint32_t>(::crc32_combine(value_, part.value_, static_cast<z_off_t>(part.bytes_)));
  bytes_ += part.bytes_;
}

}  // namespace cages::eif
