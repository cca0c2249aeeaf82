// SPDX-License-Identifier: Apache-2.0
// The runtime's own fence: what it cannot do any more, whoever gets hold of it (design §4). In two parts: at the very
// beginning what costs nothing, and before the first byte from outside is served all it will not need again. What
// starting an app takes is the spawner's (runtime/app/spawner.h), forked before. The same in both builds: the networked
// one has its redirect, its resolver's socket and its listeners by then.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace cages::runtime {

// What the runtime still reaches behind its fence.
struct FencePlan {
  int host_family = 0;                    // AF_VSOCK, or AF_UNIX in its stead
  std::vector<std::uint16_t> app_ports;  // of loopback, by TCP
};

// begin_fence: no core, no other process may read this one's memory, no new privileges. FENCE where the kernel refuses.
Result<void> begin_fence();

// close_fence: a list of the system calls that are left, without exec; of sockets the host's family and TCP streams; no
// capability; by Landlock, where the kernel has it, no file but /proc, and no TCP connection but to the app's ports.
// Returns what the kernel lacks, or nothing. FENCE where the kernel refuses the list.
Result<std::string> close_fence(const FencePlan& plan);

}  // namespace cages::runtime
