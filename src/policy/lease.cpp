// SPDX-License-Identifier: Apache-2.0
#include "policy/lease.h"

#include <algorithm>

#include "base/limits.h"

namespace cages::policy {

WallTime Lease::now(Nanoseconds at) const {
  const Nanoseconds passed = std::max(at - anchor_at_, Nanoseconds(0));
  return anchor_wall_ + std::chrono::duration_cast<std::chrono::milliseconds>(passed);
}

Nanoseconds Lease::monotonic_of(WallTime time) const { return anchor_at_ + Nanoseconds(time - anchor_wall_); }

void Lease::observe(WallTime wall, Nanoseconds at) {
  if (wall <= now(at)) return;
  anchor_wall_ = wall;
  anchor_at_ = at;
}

void Lease::granted(const Grant& grant, Nanoseconds at) {
  Grant held = grant;
  if (grant_) {
    held.certificate_until = std::max(held.certificate_until, grant_->certificate_until);
    held.engine_token_until = std::max(held.engine_token_until, grant_->engine_token_until);
  }
  grant_ = held;
  failures_ = 0;
  const auto token_left = std::max(Nanoseconds(held.engine_token_until - now(at)), Nanoseconds(0));
  const auto certificate_left = std::max(Nanoseconds(held.certificate_until - now(at)), Nanoseconds(0));
  // Half of what lasts shorter; never at once again, whatever a broken provisioner grants.
  renew_at_ = at + std::max(std::min(token_left, certificate_left) / 2, Nanoseconds(limits::kLeaseRetryMin));
}

void Lease::refused(Nanoseconds at) {
  constexpr unsigned kDoublingsMax = 8;
  const Nanoseconds wait = Nanoseconds(limits::kLeaseRetryMin) * (1U << std::min(failures_, kDoublingsMax));
  ++failures_;
  renew_at_ = at + std::min(wait, Nanoseconds(limits::kLeaseRetryMax));
}

Lease::Phase Lease::phase(Nanoseconds at) const {
  if (!grant_) return Phase::none;
  const WallTime time = now(at);
  if (time >= grant_->certificate_until) return Phase::over;
  if (time >= grant_->certificate_until - limits::kLeaseDrain) return Phase::drain;
  return Phase::active;
}

Nanoseconds Lease::next(Nanoseconds at) const {
  Nanoseconds soonest = std::max(renew_at_, at);
  if (!grant_) return soonest;
  for (const WallTime change : {grant_->certificate_until - limits::kLeaseDrain, grant_->certificate_until}) {
    const Nanoseconds when = monotonic_of(change);
    if (when > at) soonest = std::min(soonest, when);
  }
  return soonest;
}

bool Lease::engine_token_valid(Nanoseconds at) const { return grant_ && now(at) < grant_->engine_token_until; }

std::optional<WallTime> Lease::certificate_until() const {
  if (!grant_) return {};
  return grant_->certificate_until;
}

}  // namespace cages::policy
