// SPDX-License-Identifier: Apache-2.0
// PcrBank: the 32 platform configuration registers of one enclave and their locks. For the software NSM.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/pcr.h"
#include "wire/nsm.h"

namespace cages::nsm {

// Those that the hypervisor fills and locks before the enclave starts: 0 … 15.
inline constexpr std::uint16_t kPlatformPcrs = 16;
using PlatformPcrs = std::array<Pcr, kPlatformPcrs>;

class PcrBank {
 public:
  // `platform`: what the launcher measured; a register it did not measure is zero.
  explicit PcrBank(const PlatformPcrs& platform);

  [[nodiscard]] static bool valid(std::uint16_t index) { return index < limits::kNsmPcrs; }
  // value, locked: only for a valid index.
  [[nodiscard]] const Pcr& value(std::uint16_t index) const { return pcrs_.at(index).value; }
  [[nodiscard]] bool locked(std::uint16_t index) const { return pcrs_.at(index).locked; }
  [[nodiscard]] std::vector<std::uint16_t> locked_indices() const;
  // locked_values: what a document carries.
  [[nodiscard]] PcrValues locked_values() const;

  // extend: value = SHA-384(value || data). invalid_index, or read_only_index where it is locked.
  wire::NsmStatus extend(std::uint16_t index, ByteView data);
  // lock: read_only_index where it is locked already.
  wire::NsmStatus lock(std::uint16_t index);
  // lock_range locks [0, range); those that are locked already stay so. invalid_index above 32.
  wire::NsmStatus lock_range(std::uint16_t range);

 private:
  struct Register {
    Pcr value{};
    bool locked = false;
  };
  std::array<Register, limits::kNsmPcrs> pcrs_{};
};

}  // namespace cages::nsm
