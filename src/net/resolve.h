// SPDX-License-Identifier: Apache-2.0
// Resolve: host names to addresses, by this machine's resolver. For programs outside an enclave; the runtime does not
// link it.
#pragma once

#include <string>
#include <vector>

#include "net/event_loop.h"
#include "net/stream.h"

namespace cages::net {

// resolve returns the addresses of `host` as literals, in the resolver's order; a literal resolves to itself.
// UNREACHABLE where there is none, TIMEOUT after `time`.
Task<Result<std::vector<std::string>>> resolve(EventLoop& loop, std::string host, Nanoseconds time);

// dial_host resolves and tries each address in turn, all within `time`.
Task<Result<StreamPtr>> dial_host(EventLoop& loop, std::string host, std::uint16_t port, Nanoseconds time);

}  // namespace cages::net
