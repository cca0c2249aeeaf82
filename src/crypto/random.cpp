// SPDX-License-Identifier: Apache-2.0
#include "crypto/random.h"

#include <openssl/rand.h>

#include <cstdlib>

namespace cages::crypto {

void SystemRandom::fill(std::span<Byte> into) {
  if (RAND_bytes(into.data(), static_cast<int>(into.size())) != 1) std::abort();
}

void add_entropy(const Secret& bytes) {
  const ByteView view = bytes.reveal();
  RAND_add(view.data(), static_cast<int>(view.size()), static_cast<double>(view.size()));
}

}  // namespace cages::crypto
