// SPDX-License-Identifier: Apache-2.0
// What happens in an enclave's namespaces before /init: the old root is left behind before the first byte of the image is read,
// then the image is checked, unpacked, furnished, fenced and run. For the warden alone.
#pragma once

#include "base/file.h"
#include "host/drivers/report.h"

namespace cages::drivers {

// Descriptors that the warden was started with; /init keeps only the first four.
inline constexpr int kNsmFd = 3;       // PID 1's channel to the NSM (interfaces, NSM)
inline constexpr int kImageFd = 4;     // the EIF, for reading
inline constexpr int kControlFd = 5;   // reports to the host, commands from it; its end is the host's death
inline constexpr int kPlanFd = 6;      // the plan, and later one byte: go
inline constexpr int kHandoverFd = 7;  // descriptors to the host: /cage/v, then one listener a port
inline constexpr int kFirstFreeFd = 8;

// become_enclave runs /init of the image and does not return then. What it returns is what went wrong.
// Call it in a child that is PID 1 of namespaces of its own, as root of their user namespace.
Error become_enclave(const Plan& plan);

// read_plan reads one frame from kPlanFd; send_report writes one to kControlFd.
Result<Plan> read_plan();
void send_report(const Report& report);

}  // namespace cages::drivers
