// SPDX-License-Identifier: Apache-2.0
// Which kernel goes into an image: the one named, else what AWS's package or our own install put on this machine, else
// none, which the `process` driver needs none of. For `cage build` and `cage dev`.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "eif/metadata.h"
#include "eif/types.h"

namespace cages::cli {

struct Kernel {
  std::filesystem::path path;   // empty: none
  std::string sha256 = "none";  // hexadecimal
  eif::KernelWords words{"Linux", "unknown"};
  [[nodiscard]] bool present() const { return !path.empty(); }
};

// find_kernel: `named` (a path, empty: look). IO where the named one cannot be read; MACHINE where it is no kernel
// image of `arch` (an x86_64 bzImage, an aarch64 Image).
Result<Kernel> find_kernel(const std::filesystem::path& named, eif::Arch arch);

// kernel_advice says how to get one, for people.
std::string kernel_advice();

}  // namespace cages::cli
