// SPDX-License-Identifier: Apache-2.0
// ProgressBar: one line on a terminal that says how far a long step is; nothing where standard error is none. For
// verbs.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "cli/verb.h"

namespace cages::cli {

class ProgressBar {
 public:
  // lifetime: keeps a reference to the terminal.
  ProgressBar(Terminal& terminal, std::string what);
  ~ProgressBar();  // wipes the line
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void total(std::uint64_t bytes) { total_ = bytes; }
  void advance(std::uint64_t bytes);

 private:
  Terminal& terminal_;
  std::string what_;
  std::uint64_t total_ = 0;
  std::uint64_t done_ = 0;
  bool shown_ = false;
  std::chrono::steady_clock::time_point next_;
};

}  // namespace cages::cli
