// SPDX-License-Identifier: Apache-2.0
// What is installed with `cage`: the runtimes of its own version and the list of their releases. Looked for beside the
// program (a build tree) and in ../lib/cages (an installation); never fetched.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "eif/runtime_releases.h"

namespace cages::cli {

// find_installed returns the path of an installed file called `name`, or nothing.
std::optional<std::filesystem::path> find_installed(std::string_view name);

// load_runtime_releases reads the list at `path`, or the installed one where `path` is empty (an empty list where there
// is none). With `key_path` the list must be signed by that public key (PEM). JSON, RELEASE_STATEMENT, PEM, IO.
Result<eif::RuntimeReleases> load_runtime_releases(const std::string& path, const std::string& key_path);

}  // namespace cages::cli
