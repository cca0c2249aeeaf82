// SPDX-License-Identifier: Apache-2.0
#include "runtime/app/restart.h"

#include <algorithm>

#include "base/limits.h"

namespace cages::runtime {

std::optional<Nanoseconds> Restart::after_ending(const Ending& ending, Nanoseconds ran) {
  if (policy_ == wire::Restart::never) return std::nullopt;
  if (policy_ == wire::Restart::on_failure && ending.clean()) return std::nullopt;
  const Nanoseconds least(limits::kRestartDelayMin);
  const Nanoseconds most(limits::kRestartDelayMax);
  delay_ = ran >= Nanoseconds(limits::kRestartCalm) || delay_ == Nanoseconds(0) ? least : std::min(delay_ * 2, most);
  ++restarts_;
  return delay_;
}

}  // namespace cages::runtime
