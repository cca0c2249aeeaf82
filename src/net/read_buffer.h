// SPDX-License-Identifier: Apache-2.0
// ReadBuffer: where the next read goes. Small while little comes, because most connections are idle most of the time,
// and large while reads fill it. For whatever reads a stream in a loop.
#pragma once

#include <array>

#include "base/bytes.h"
#include "base/limits.h"

namespace cages::net {

class ReadBuffer {
 public:
  explicit ReadBuffer(std::size_t large_bytes = limits::kRelayBufferBytes) : large_bytes_(large_bytes) {}
  std::span<Byte> next() { return large_.empty() ? std::span<Byte>(small_) : std::span<Byte>(large_); }
  // adapt is told how much the last read brought; what next() returned is no longer valid.
  void adapt(std::size_t used) {
    if (used == small_.size() && large_.empty()) {
      large_.resize(large_bytes_);
    } else if (used < small_.size() && !large_.empty()) {
      large_ = Bytes();
    }
  }

 private:
  std::array<Byte, limits::kRelayIdleBufferBytes> small_;
  Bytes large_;
  std::size_t large_bytes_;
};

}  // namespace cages::net
