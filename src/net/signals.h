// SPDX-License-Identifier: Apache-2.0
// Signals of this process as something to await (SIGTERM, SIGINT, SIGCHLD). For programs.
#pragma once

#include <initializer_list>
#include <memory>

#include "net/event_loop.h"

namespace cages::net {

// hold_signals keeps these signals of the calling thread pending until Signals takes them: the kernel drops what comes to
// process 1 of a pid namespace before it has a handler. Before other threads start; children inherit it.
void hold_signals(std::initializer_list<int> numbers);

class Signals {
 public:
  // From here on these signals do nothing but wake next(), and those that were held do so now.
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
