// SPDX-License-Identifier: Apache-2.0
// The user ids of one enclave: a slot of host ids that no other enclave on this machine has (root), the user's subordinate ids
// (rootless), or the user's own alone (single-id). For launch.cpp.
#pragma once

#include <sys/types.h>

#include "base/file.h"
#include "machine/identity.h"

namespace cages::drivers {

// Held as long as it lives; given back by the kernel when its holder dies.
class IdSlot {
 public:
  // take finds a free slot under root; MACHINE where all are taken. In the other modes it holds nothing.
  static Result<IdSlot> take(machine::Mode mode);
  [[nodiscard]] std::uint32_t first() const { return first_; }

 private:
  Fd lock_;
  std::uint32_t first_ = 0;
};

// map_ids writes the id maps of the user namespace that `pid` has just made. IO, or MACHINE where newuidmap refuses.
Result<void> map_ids(pid_t pid, const machine::Identity& identity, const IdSlot& slot);

}  // namespace cages::drivers
