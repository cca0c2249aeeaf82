// SPDX-License-Identifier: Apache-2.0
#include "runtime/boot/clock.h"

#include <algorithm>

namespace cages::runtime {
namespace {

constexpr int kSlowing = 10;  // while ahead, a tenth of each second is taken back

}  // namespace

TrustedClock::TrustedClock(const Clock& machine)
    : machine_(machine), anchor_wall_(machine.wall()), anchor_(machine.monotonic()) {}

WallTime TrustedClock::wall() const {
  const Nanoseconds passed = machine_.monotonic() - anchor_;
  const Nanoseconds taken_back = std::min(ahead_, passed / kSlowing);
  return anchor_wall_ + std::chrono::duration_cast<std::chrono::milliseconds>(passed - taken_back);
}

void TrustedClock::set_from_nsm(WallTime time) {
  const WallTime now = wall();
  anchor_wall_ = std::max(now, time);
  anchor_ = machine_.monotonic();
  ahead_ = now > time ? Nanoseconds(now - time) : Nanoseconds(0);
}

}  // namespace cages::runtime
