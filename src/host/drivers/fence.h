// SPDX-License-Identifier: Apache-2.0
// The outer fence of a process enclave: what the driver, never the image, takes away before /init runs, and what nothing inside
// can get back. The runtime puts a narrower fence of its own around the app (runtime/app).
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"

struct sock_filter;

namespace cages::drivers {

struct FencePlan {
  bool limit_by_rlimits = false;  // no control groups: bound each process's memory
  std::uint64_t memory_bytes = 0;
};

// raise_fence: resource limits, capabilities, no_new_privs, system call filter, for this process and all its descendants. After
// it only what the fence allows works. DRIVER_ROOT where the kernel refuses a part; then nothing may be run.
Result<void> raise_fence(const FencePlan& plan);

// The filter as a program for the kernel, for tests to look at.
std::vector<sock_filter> outer_filter();

}  // namespace cages::drivers
