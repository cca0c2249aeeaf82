// SPDX-License-Identifier: Apache-2.0
#include "base/secret.h"

#include <string.h>  // explicit_bzero

namespace cages {

void wipe(std::span<Byte> memory) {
  if (!memory.empty()) explicit_bzero(memory.data(), memory.size());
}

}  // namespace cages
