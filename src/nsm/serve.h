// SPDX-License-Identifier: Apache-2.0
// serve: one enclave's requests, one after the other, until it closes its end. For cage-nsm's main() and tests.
#pragma once

#include <chrono>

#include "base/result.h"
#include "nsm/module.h"

namespace cages::nsm {

// serve answers each datagram on the blocking SOCK_SEQPACKET socket `channel` with one datagram, waiting `latency` before
// each document. Returns at the end of the enclave's side; IO where the socket breaks.
Result<void> serve(int channel, Module& module, std::chrono::microseconds latency);

}  // namespace cages::nsm
