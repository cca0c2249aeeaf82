// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

namespace cages {

WallTime SystemClock::wall() const {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

Nanoseconds SystemClock::monotonic() const {
  return std::chrono::duration_cast<Nanoseconds>(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace cages
