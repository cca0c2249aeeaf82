// SPDX-License-Identifier: Apache-2.0
// The machine, made usable by process 1: file systems, the NSM's module, loopback. Blocking; before anything else runs.
// What a driver has done already is left as it is.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace cages::runtime {

// prepare_machine: BOOT_MOUNT where /proc or /dev cannot be had, MACHINE where loopback cannot be brought up. Returns
// what it could not do and the cage can do without, a sentence each.
Result<std::vector<std::string>> prepare_machine();

// check_cmdline compares /proc/cmdline with the measured copy at `copy` (runtime/boot/cmdline.h). Returns the words
// noted.
Result<std::vector<std::string>> check_cmdline(const std::string& copy = "/cmdline");

}  // namespace cages::runtime
