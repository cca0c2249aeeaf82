// SPDX-License-Identifier: Apache-2.0
#include "nsm/pcr_bank.h"

#include <algorithm>

#include "crypto/hash.h"

namespace cages::nsm {

using wire::NsmStatus;

PcrBank::PcrBank(const PlatformPcrs& platform) {
  for (std::size_t i = 0; i < platform.size(); ++i) pcrs_.at(i) = Register{platform.at(i), true};
}

std::vector<std::uint16_t> PcrBank::locked_indices() const {
  std::vector<std::uint16_t> indices;
  for (std::uint16_t i = 0; i < static_cast<std::uint16_t>(pcrs_.size()); ++i) {
    if (pcrs_.at(i).locked) indices.push_back(i);
  }
  return indices;
}

PcrValues PcrBank::locked_values() const {
  PcrValues values;
  for (const std::uint16_t index : locked_indices()) values[static_cast<PcrValues::key_type>(index)] = value(index);
  return values;
}

NsmStatus PcrBank::extend(std::uint16_t index, ByteView data) {
  if (!valid(index)) return NsmStatus::invalid_index;
  Register& pcr = pcrs_.at(index);
  if (pcr.locked) return NsmStatus::read_only_index;
  crypto::Hasher hasher(crypto::Hasher::Algorithm::sha384);
  hasher.update(pcr.value);
  hasher.update(data);
  const Bytes digest = hasher.finish();
  std::ranges::copy(digest, pcr.value.begin());
  return NsmStatus::success;
}

NsmStatus PcrBank::lock(std::uint16_t index) {
  if (!valid(index)) return NsmStatus::invalid_index;
  if (pcrs_.at(index).locked) return NsmStatus::read_only_index;
  pcrs_.at(index).locked = true;
  return NsmStatus::success;
}

NsmStatus PcrBank::lock_range(std::uint16_t range) {
  if (range > pcrs_.size()) return NsmStatus::invalid_index;
  for (std::size_t i = 0; i < range; ++i) pcrs_.at(i).locked = true;
  return NsmStatus::success;
}

}  // namespace cages::nsm
