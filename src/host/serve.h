// SPDX-License-Identifier: Apache-2.0
// The service: joins driver, link, fleet, ingress and what is shown on loopback; drains on SIGTERM. For main().
#pragma once

#include "host/config.h"

namespace cages::host {

// serve returns when SIGTERM or SIGINT came and everything is drained: 0. When it listens it writes one line of JSON to standard
// output: {"event":"listening","ingress":port,"observe":port}. `enrol_code`: enrols first where the host is not enrolled.
Result<int> serve(HostConfig config, const std::string& enrol_code);
// enrol_host enrols and returns.
Result<int> enrol_host(const HostConfig& config, const std::string& enrol_code);

}  // namespace cages::host
