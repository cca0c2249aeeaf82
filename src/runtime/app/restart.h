// SPDX-License-Identifier: Apache-2.0
// Restart: whether and when an app that ended is started again. A pure state machine; time is passed in.
#pragma once

#include <chrono>
#include <optional>

#include "base/clock.h"
#include "wire/manifest.h"

namespace cages::runtime {

// How a process ended: an exit code, or the signal that ended it.
struct Ending {
  int exit_code = 0;
  int signal = 0;
  [[nodiscard]] bool clean() const { return exit_code == 0 && signal == 0; }
};

class Restart {
 public:
  explicit Restart(wire::Restart policy) : policy_(policy) {}
  // after_ending returns how long to wait before the next start, or none where the policy says that was the last. The
  // wait doubles from kRestartDelayMin to kRestartDelayMax and falls back after kRestartCalm of running.
  std::optional<Nanoseconds> after_ending(const Ending& ending, Nanoseconds ran);
  [[nodiscard]] unsigned restarts() const { return restarts_; }

 private:
  wire::Restart policy_;
  Nanoseconds delay_{0};
  unsigned restarts_ = 0;
};

}  // namespace cages::runtime
