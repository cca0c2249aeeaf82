// SPDX-License-Identifier: Apache-2.0
// The runtime's own fence: what it cannot do any more, whoever gets hold of it (design §4). In two parts: at the very
// beginning what costs nothing, and before the first byte from outside is served all it will not need again. What
// starting an app takes is the spawner's (runtime/app/spawner.h), forked before.
#pragma once

#include <string>

#include "base/result.h"
#include "wire/manifest.h"

namespace cages::runtime {

// begin_fence: no core, no other process may read this one's memory, no new privileges. FENCE where the kernel refuses.
Result<void> begin_fence();

// close_fence: a list of the system calls that are left, without exec, and in the isolated variant without egress; no
// capability; no file but /proc, by Landlock where the kernel has it. Returns what the kernel lacks, or nothing. FENCE
// where the kernel refuses the list.
Result<std::string> close_fence(wire::Variant variant);

}  // namespace cages::runtime
