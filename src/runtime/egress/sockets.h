// SPDX-License-Identifier: Apache-2.0
// The sockets and the redirect of egress, made while the runtime may still make them: before it gives up its
// capabilities (runtime/boot/fence.h). Four sockets however many names.
#pragma once

#include "base/file.h"
#include "base/result.h"

namespace cages::runtime::egress {

struct Sockets {
  Fd caught4;
  Fd caught6;  // none where the kernel has no IPv6
  Fd dns_udp;
  Fd dns_tcp;
};

// open_sockets installs the redirect, listens, and shows by one connection of its own that the kernel catches it and
// remembers where it was going. EGRESS_KERNEL says what is missing.
Result<Sockets> open_sockets();

}  // namespace cages::runtime::egress
