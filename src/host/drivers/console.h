// SPDX-License-Identifier: Apache-2.0
// Console: what an enclave writes to its standard output and error before and beside its log stream. Kept within a bound, logged
// at a bounded rate. No I/O. untrusted: all of it; lines are as they came, and base/log.h escapes them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace cages::drivers {

class Console {
 public:
  // add takes bytes as they come and returns the lines to log: at most kConsoleLinesPerSecond in each second of `now`, longer
  // ones cut. The rest is counted, and the count is told in a line of its own.
  std::vector<std::string> add(std::string_view bytes, Nanoseconds now);
  // tail returns the end of what came, escaped.
  [[nodiscard]] std::string tail(std::size_t bytes_max) const;

 private:
  void end_line(std::vector<std::string>& out, Nanoseconds now);
  std::string kept_;
  std::string line_;
  bool cut_ = false;
  Nanoseconds second_{0};
  std::size_t lines_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace cages::drivers
