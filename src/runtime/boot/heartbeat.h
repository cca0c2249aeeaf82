// SPDX-License-Identifier: Apache-2.0
// The heartbeat: one byte to the host and back (vsock 9000, nitro.md §1.10.3), by which whoever started the enclave
// knows that its init runs.
#pragma once

#include "net/stream.h"
#include "net/timers.h"

namespace cages::runtime {

// heartbeat: HEARTBEAT where the host is not there, answers another byte, or not within kHeartbeatTime.
Task<Result<void>> heartbeat(net::Timers& timers, net::PortDialer& host);

}  // namespace cages::runtime
