// SPDX-License-Identifier: Apache-2.0
// Pcr: one platform configuration register of an enclave, a SHA-384 digest (nitro.md §1.4). For every part that measures,
// reports or judges code.
#pragma once

#include <array>
#include <cstdint>
#include <map>

#include "base/bytes.h"

namespace cages {

using Pcr = std::array<Byte, 48>;
// By index, 0..31. A register that is not there is not known; it is not zero.
using PcrValues = std::map<std::uint8_t, Pcr>;

inline constexpr std::uint8_t kPcrCount = 32;

}  // namespace cages
