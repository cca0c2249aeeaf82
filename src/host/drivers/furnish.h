// SPDX-License-Identifier: Apache-2.0
// The root of an enclave: a tmpfs of its own in place of the host's root, and what /init finds there besides the image:
// /proc, /dev with six devices, /cage/v, the image's command line. Runs inside the enclave's namespaces.
#pragma once

#include <string>
#include <vector>

#include "base/file.h"
#include "host/drivers/report.h"

namespace cages::drivers {

// Mounts taken before the old root was left, to be put in place when the image is unpacked.
struct Spares {
  Fd proc;
  // A second /proc on which nothing is mounted: the kernel lets nested user namespaces (the app's) mount theirs only
  // where one is fully visible.
  Fd bare_proc;
  std::vector<std::pair<std::string, Fd>> devices;  // name below /dev, mount
};

// leave_old_root mounts a tmpfs of at most `memory_bytes` and makes it the root of this mount namespace; nothing of the
// old one stays reachable. DRIVER_ROOT where the kernel refuses.
Result<Spares> leave_old_root(std::uint64_t memory_bytes);

// furnish mounts the spares, /dev and /cage/v, sets the host name and binds `cmdline` over /proc/cmdline. DRIVER_ROOT
// where the image put something else in the way.
Result<void> furnish(Spares spares, const std::string& cmdline);

// open_ports returns /cage/v and a listener on /cage/v/v_<port> for each port, in order.
Result<std::vector<Fd>> open_ports(const std::vector<std::uint32_t>& ports);

}  // namespace cages::drivers
