// SPDX-License-Identifier: Apache-2.0
// The redirect: every TCP connection that leaves loopback's own addresses, in this network namespace, ends at one port
// of ours, whatever its destination; the kernel remembers where it was going. So the app's own ports stay the app's, and
// names, literals and networks take one rule and one route a family. docs/decisions/0071-catching-connections.md.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace cages::runtime::egress {

// An address of loopback other than 127.0.0.1: without one the C library takes the machine for one without IPv4, and
// answers nothing where AI_ADDRCONFIG is set.
inline constexpr const char* kOwnAddress = "127.127.255.254";

// install_redirect sets rules, routes and the address. EGRESS_KERNEL says what the kernel lacks. Needs CAP_NET_ADMIN;
// once a network namespace. Without IPv6 in the kernel there is nothing to catch of it. Returns whether there is.
Result<bool> install_redirect();

}  // namespace cages::runtime::egress
