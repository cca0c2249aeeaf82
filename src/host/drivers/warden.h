// SPDX-License-Identifier: Apache-2.0
// The warden: a small process between cage-host and one enclave, PID 1 of a PID namespace that holds the enclave's. However it
// ends, the kernel ends everything in the enclave; and it ends when the host does. It holds no secret and no privilege outside
// its own user namespace. For main() of a program that starts enclaves.
#pragma once

namespace cages::drivers {

// The first argument by which such a program is started as a warden (launch.h).
inline constexpr const char* kWardenWord = "warden";

// run_warden: makes the enclave's namespaces, starts it, reports its end. Returns an exit code.
int run_warden();

}  // namespace cages::drivers
