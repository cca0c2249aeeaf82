// SPDX-License-Identifier: Apache-2.0
// Snapshot: what a build reads from a folder, by names, sizes and times, to tell when to build again. For `cage dev --watch`.
#pragma once

#include <cstdint>
#include <filesystem>

namespace cages::cli {

// snapshot returns a number that changes when a file below `folder` appears, goes, or is written. `.cage` and `.git` are not
// looked into; nor is anything after the first 20,000 files (then only those are watched).
std::uint64_t snapshot(const std::filesystem::path& folder);

}  // namespace cages::cli
