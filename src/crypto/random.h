// SPDX-License-Identifier: Apache-2.0
// Random: where entropy comes from, handed to each part by reference. SystemRandom is OpenSSL's generator.
#pragma once

#include <array>

#include "base/bytes.h"
#include "base/secret.h"

namespace cages::crypto {

class Random {
 public:
  virtual ~Random() = default;
  // fill writes random bytes over all of `into`; aborts where the system has none (never weaker bytes).
  virtual void fill(std::span<Byte> into) = 0;
  template <std::size_t N>
  std::array<Byte, N> array() {
    std::array<Byte, N> out;
    fill(out);
    return out;
  }
};

class SystemRandom final : public Random {
 public:
  void fill(std::span<Byte> into) override;
};

// add_entropy mixes `bytes` into OpenSSL's generator; it can only get better by it.
void add_entropy(const Secret& bytes);

}  // namespace cages::crypto
