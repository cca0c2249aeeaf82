// SPDX-License-Identifier: Apache-2.0
#include "policy/lease.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace cages::policy {
namespace {

using namespace std::chrono_literals;
const WallTime kStart = from_unix_seconds(1'767'225'600);

Grant grant_at(WallTime now) { return {now + 24h, now + 10min}; }

TEST(Lease, RenewsAtHalfOfTheShorterLife) {
  Lease lease(kStart, 5s);
  EXPECT_EQ(lease.phase(5s), Lease::Phase::none);
  lease.granted(grant_at(kStart), 5s);
  EXPECT_EQ(lease.phase(5s), Lease::Phase::active);
  EXPECT_EQ(lease.renew_at(), Nanoseconds(5s + 5min));
  EXPECT_EQ(lease.next(5s), lease.renew_at());
  lease.granted({kStart + 4min, kStart + 10min}, 5s);
  EXPECT_EQ(lease.renew_at(), Nanoseconds(5s + 5min)) << "what is held longer stays held";
}

TEST(Lease, TriesAgainSoonerThanLater) {
  Lease lease(kStart, 0s);
  lease.refused(0s);
  EXPECT_EQ(lease.renew_at(), Nanoseconds(limits::kLeaseRetryMin));
  lease.refused(0s);
  EXPECT_EQ(lease.renew_at(), 2 * Nanoseconds(limits::kLeaseRetryMin));
  for (int i = 0; i < 100; ++i) lease.refused(1s);
  EXPECT_EQ(lease.renew_at(), Nanoseconds(1s + limits::kLeaseRetryMax));
  lease.granted({kStart, kStart}, 1s);  // already over
  EXPECT_EQ(lease.renew_at(), Nanoseconds(1s + limits::kLeaseRetryMin)) << "never a busy loop";
}

TEST(Lease, DrainsBeforeItsCertificateEndsAndStopsThen) {
  Lease lease(kStart, 0s);
  lease.granted(grant_at(kStart), 0s);
  const Nanoseconds end = 24h;
  EXPECT_EQ(lease.phase(end - limits::kLeaseDrain - 1ms), Lease::Phase::active);
  EXPECT_EQ(lease.phase(end - limits::kLeaseDrain), Lease::Phase::drain);
  EXPECT_EQ(lease.phase(end - 1ms), Lease::Phase::drain);
  EXPECT_EQ(lease.phase(end), Lease::Phase::over);
  EXPECT_TRUE(lease.engine_token_valid(10min - 1ms));
  EXPECT_FALSE(lease.engine_token_valid(10min));
}

TEST(Lease, ComesBackFromDrainingWhenRenewed) {
  Lease lease(kStart, 0s);
  lease.granted(grant_at(kStart), 0s);
  const Nanoseconds late = 24h - 1s;
  EXPECT_EQ(lease.phase(late), Lease::Phase::drain);
  lease.granted(grant_at(lease.now(late)), late);
  EXPECT_EQ(lease.phase(late), Lease::Phase::active);
}

TEST(Lease, BelievesTheHypervisorForwardOnly) {
  Lease lease(kStart, 0s);
  lease.granted(grant_at(kStart), 0s);
  lease.observe(kStart - 1h, 1s);
  EXPECT_EQ(lease.now(1s), kStart + 1s);
  lease.observe(kStart + 25h, 2s);  // the machine slept
  EXPECT_EQ(lease.phase(2s), Lease::Phase::over);
  EXPECT_EQ(lease.now(1s), kStart + 25h) << "a clock that went back moves nothing";
}

TEST(Lease, TellsWhenSomethingChangesNext) {
  Lease lease(kStart, 0s);
  EXPECT_EQ(lease.next(3s), Nanoseconds(3s));
  lease.granted(grant_at(kStart), 0s);
  Nanoseconds at = 0s;
  int renewals = 0;
  while (lease.phase(at) != Lease::Phase::over) {
    const Nanoseconds next = lease.next(at);
    ASSERT_GE(next, at);
    at = next;
    if (at >= lease.renew_at()) {
      lease.refused(at);
      ++renewals;
    }
  }
  EXPECT_EQ(at, Nanoseconds(24h));
  EXPECT_GT(renewals, 24 * 60 - 10);
}

}  // namespace
}  // namespace cages::policy
