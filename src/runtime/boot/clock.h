// SPDX-License-Identifier: Apache-2.0
// TrustedClock: wall time from the NSM's timestamps, carried on by the monotonic clock. The host's clock is only where
// it starts, before the first document. It never goes back: where it is ahead it runs slower until it is right again.
#pragma once

#include "base/clock.h"

namespace cages::runtime {

class TrustedClock final : public Clock {
 public:
  explicit TrustedClock(const Clock& machine);
  [[nodiscard]] WallTime wall() const override;
  [[nodiscard]] Nanoseconds monotonic() const override { return machine_.monotonic(); }
  // set_from_nsm: `time` is the timestamp of a document that was just made.
  void set_from_nsm(WallTime time);

 private:
  const Clock& machine_;
  WallTime anchor_wall_;  // what this clock said at anchor_
  Nanoseconds anchor_;    // monotonic
  Nanoseconds ahead_{0};  // how much too fast it was then
};

}  // namespace cages::runtime
