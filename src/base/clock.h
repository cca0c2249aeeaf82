// SPDX-License-Identifier: Apache-2.0
// Clock: where time comes from, handed to each part by reference so that tests can turn it by hand. For every part.
#pragma once

#include <chrono>
#include <cstdint>

namespace cages {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;
using Nanoseconds = std::chrono::nanoseconds;

class Clock {
 public:
  virtual ~Clock() = default;
  // Wall time, UTC. The host's clock is a hint to an enclave (design §9).
  [[nodiscard]] virtual WallTime wall() const = 0;
  // Monotonic time since an arbitrary start; never steps back.
  [[nodiscard]] virtual Nanoseconds monotonic() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] WallTime wall() const override;
  [[nodiscard]] Nanoseconds monotonic() const override;
};

// Moves only when told to. For tests.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(WallTime start = WallTime(std::chrono::seconds(1'767'225'600))) : wall_(start) {}
  [[nodiscard]] WallTime wall() const override { return wall_; }
  [[nodiscard]] Nanoseconds monotonic() const override { return monotonic_; }
  void advance(Nanoseconds by) {
    monotonic_ += by;
    wall_ += std::chrono::duration_cast<std::chrono::milliseconds>(by);
  }

 private:
  WallTime wall_;
  Nanoseconds monotonic_{0};
};

inline std::int64_t unix_seconds(WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}
inline WallTime from_unix_seconds(std::int64_t seconds) { return WallTime(std::chrono::seconds(seconds)); }

}  // namespace cages
