// SPDX-License-Identifier: Apache-2.0
// Enrolment: the key and certificate by which caged knows this host. The key is made here and never leaves; it names
// the host and opens nothing of a cage's. For cage-host.
#pragma once

#include "host/broker/link.h"
#include "host/config.h"
#include "net/event_loop.h"

namespace cages::host {

// load_link makes the link of an enrolled host; HOST_NOT_ENROLLED where it has no certificate.
Result<std::unique_ptr<Link>> load_link(net::EventLoop& loop, const HostConfig& config);

// enrol makes the key where there is none, sends the request with `code` and keeps the certificate. Nothing is done
// where the host is enrolled already.
Task<Result<void>> enrol(net::EventLoop& loop, const HostConfig& config, std::string code);

}  // namespace cages::host
