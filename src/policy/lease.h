// SPDX-License-Identifier: Apache-2.0
// Lease: how long a cage may go on with what it was granted (design §4.7): when to renew, when to drain, when all is over.
// Pure: the caller says what time it is and does what it is told. Time is the hypervisor's where a new document brought it,
// carried on by the monotonic clock, and never goes back; the host's clock has no say. For the runtime; caged ends leases by
// not renewing them.
#pragma once

#include <optional>

#include "base/clock.h"

namespace cages::policy {

// What a grant is good for, by wall time.
struct Grant {
  WallTime certificate_until;   // notAfter of the intermediate
  WallTime engine_token_until;  // exp of the engine token
};

class Lease {
 public:
  enum class Phase {
    none,     // nothing granted yet
    active,   // serve
    drain,    // no new work, finish what is in flight; renewing may still bring it back to active
    over,     // stop
  };

  // A lease without a grant. `now` by an NSM document's timestamp, `at` the monotonic clock when that document came.
  Lease(WallTime now, Nanoseconds at) : anchor_wall_(now), anchor_at_(at) {}

  // observe takes the timestamp of another document; time only moves forward by it (a machine that slept catches up).
  void observe(WallTime now, Nanoseconds at);
  // granted: provisioning succeeded at `at`. A grant that ends before the one held is ignored in that part.
  void granted(const Grant& grant, Nanoseconds at);
  // refused: provisioning failed at `at` (refused or unreachable alike: a host can make the one look like the other).
  void refused(Nanoseconds at);

  [[nodiscard]] WallTime now(Nanoseconds at) const;
  [[nodiscard]] Phase phase(Nanoseconds at) const;
  // renew_at: the monotonic time of the next attempt: at half of the engine token's life, and after failures kLeaseRetryMin,
  // doubled each time up to kLeaseRetryMax.
  [[nodiscard]] Nanoseconds renew_at() const { return renew_at_; }
  // next: the earliest monotonic time after `at` when renew_at() comes or the phase changes.
  [[nodiscard]] Nanoseconds next(Nanoseconds at) const;
  [[nodiscard]] bool engine_token_valid(Nanoseconds at) const;
  [[nodiscard]] std::optional<WallTime> certificate_until() const;

 private:
  [[nodiscard]] Nanoseconds monotonic_of(WallTime time) const;

  WallTime anchor_wall_;
  Nanoseconds anchor_at_;
  std::optional<Grant> grant_;
  Nanoseconds renew_at_{0};
  unsigned failures_ = 0;
};

}  // namespace cages::policy
