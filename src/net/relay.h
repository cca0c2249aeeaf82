// SPDX-License-Identifier: Apache-2.0
// Relay: bytes both ways between two streams until both sides ended. Each direction holds one buffer
// (kRelayBufferBytes), so a slow reader slows the writer; a half-close is passed on. For proxies that do not look at
// what they carry.
#pragma once

#include <cstdint>

#include "net/stream.h"
#include "net/timers.h"

namespace cages::net {

struct Relayed {
  std::uint64_t forward_bytes = 0;  // from `a` to `b`
  std::uint64_t backward_bytes = 0;
};

// relay returns when both directions have ended, with both streams closed. The first error of either direction, or
// `idle` without a byte in either one (TIMEOUT), ends both at once. `counts` is kept up to date throughout.
Task<Result<void>> relay(Timers& timers, Stream& a, Stream& b, Nanoseconds idle, Relayed& counts);

// copy_all moves bytes one way until `from` ends, then half-closes `to`; adds to `bytes` as it goes.
Task<Result<void>> copy_all(Stream& from, Stream& to, std::uint64_t& bytes);

}  // namespace cages::net
