// SPDX-License-Identifier: Apache-2.0
// TokenBucket: so many acts a second and so many at once. Whoever asks brings the time, by one monotonic clock. For every part.
#pragma once

#include <algorithm>

#include "base/clock.h"

namespace cages {

class TokenBucket {
 public:
  // Full at `now`; fills by `rate` a second up to `burst`.
  TokenBucket(double rate, double burst, Nanoseconds now) : rate_(rate), burst_(burst), left_(burst), filled_(now) {}

  // take returns false where nothing is left.
  bool take(Nanoseconds now) {
    const std::chrono::duration<double> passed = now - filled_;
    filled_ = now;
    left_ = std::min(burst_, left_ + passed.count() * rate_);
    if (left_ < 1) return false;
    left_ -= 1;
    return true;
  }

 private:
  double rate_;
  double burst_;
  double left_;
  Nanoseconds filled_;
};

}  // namespace cages
