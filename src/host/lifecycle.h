// SPDX-License-Identifier: Apache-2.0
// drain_enclave: asks a runtime to finish and stop, over its life-cycle port. For cage-host.
#pragma once

#include "host/drivers/driver.h"
#include "net/event_loop.h"

namespace cages::host {

// drain_enclave returns when the enclave has ended or says that it has stopped, at the latest after `time`. An error where it
// does not answer in its own language; the caller ends it then.
Task<Result<void>> drain_enclave(net::EventLoop& loop, drivers::Enclave& enclave, Nanoseconds time);

}  // namespace cages::host
