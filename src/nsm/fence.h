// SPDX-License-Identifier: Apache-2.0
// What cage-nsm gives up before it reads the first byte from an enclave: every descriptor but its channel and standard
// error, new files and processes, privileges, core dumps, and all system calls but the few that answering takes.
// For cage-nsm's main().
#pragma once

#include <cstdint>

#include "base/file.h"
#include "base/result.h"

namespace cages::nsm {

// take_channel checks that `fd` is a SOCK_SEQPACKET Unix socket and makes it the only descriptor above 2. USAGE else.
Result<Fd> take_channel(int fd);
// become gives up this process's user for `uid` and its groups, for good; nothing for 0. What the root's owner alone may read is
// open or read by then. MACHINE where the kernel does not let it.
Result<void> become(std::uint32_t uid);
// enter_fence gives the rest up, for good. MACHINE where the kernel does not let it.
Result<void> enter_fence();

}  // namespace cages::nsm
