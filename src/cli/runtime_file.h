// SPDX-License-Identifier: Apache-2.0
// The runtime that goes into an image: found beside `cage`, never fetched. For `cage build` and `cage dev`.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"
#include "eif/runtime_releases.h"
#include "image/spool.h"
#include "wire/manifest.h"

namespace cages::cli {

struct RuntimeFile {
  std::filesystem::path path;
  image::Content content;
  eif::Arch arch = eif::Arch::x86_64;
  std::string sha256;   // hexadecimal
  std::string release;  // "0.1.0 networked", or "sha256:…" where no release is this file
};

// find_runtime: `named` (a path, empty: the installed one of that build). MACHINE says that a known release is the
// other build than `variant`, where it looked, or that the file is no static
// ELF program for Linux on x86_64 or aarch64.
Result<RuntimeFile> find_runtime(const std::filesystem::path& named, std::optional<wire::Variant> variant,
                                 const eif::RuntimeReleases& releases);

}  // namespace cages::cli
