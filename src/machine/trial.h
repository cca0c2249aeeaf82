// SPDX-License-Identifier: Apache-2.0
// Trials: does the kernel let this user do it? Asked by doing it in a child that ends at once. For probe.cpp.
#pragma once

#include <string>

namespace cages::machine {

// Empty where a child could enter every namespace that an enclave gets and mount in them; else what failed.
std::string try_namespaces();
// Whether the kernel filters system calls and can tell threads apart from processes when it kills (SECCOMP_RET_KILL_PROCESS).
bool has_seccomp();
// Landlock's ABI, 0 where there is none.
int landlock_abi();
// fsopen, move_mount and openat2 (Linux 5.6).
bool has_mount_api();

}  // namespace cages::machine
