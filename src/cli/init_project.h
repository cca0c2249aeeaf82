// SPDX-License-Identifier: Apache-2.0
// init_project: the first two files of a project. What `cage init` does, and `cage dev` offers to do.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "wire/manifest.h"

namespace cages::cli {

struct InitRequest {
  std::filesystem::path folder = ".";
  std::string name;          // empty: made from the folder's name
  std::string platform_url;  // empty: none yet
  std::vector<wire::RootHash> roots;
};

// init_project writes cage.toml (commented) and cage.lock, and returns the cage's name. EXISTS where one of them is
// there already: nothing is ever overwritten. USAGE for a name that no cage may have.
Result<std::string> init_project(const InitRequest& request);

// can_ask: somebody reads standard error and answers on standard input.
bool can_ask();

}  // namespace cages::cli
