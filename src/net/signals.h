// SPDX-License-Identifier: Apache-2.0
// Signals of this process as something to await (SIGTERM, SIGINT, SIGCHLD). For programs.
#pragma once

#include <initializer_list>
#include <memory>

#include "net/event_loop.h"

namespace cages::net {

class Signals {
 public:
  // From here on these signals do nothing but wake next().
  Signals(EventLoop& loop, std::initializer_list<int> numbers);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  // next returns the number of the next signal. Several of one kind may come as one, as the kernel has it.
  Task<int> next();

 private:
  struct Set;
  std::unique_ptr<Set> set_;
};

}  // namespace cages::net
