// SPDX-License-Identifier: Apache-2.0
#include "base/paths.h"

#include <cstdlib>
#include <string_view>

namespace cages {
namespace {

namespace fs = std::filesystem;

fs::path absolute_setting(const char* name) {
  const char* value = std::getenv(name);
  const fs::path path = value == nullptr ? "" : value;
  return path.is_absolute() ? path : fs::path();
}

struct Names {
  const char* variable;
  std::string_view below_home;
  std::string_view below_override;
};

Names names_of(UserFolder folder) {
  switch (folder) {
    case UserFolder::config: return {"XDG_CONFIG_HOME", ".config", "config"};
    case UserFolder::state: return {"XDG_STATE_HOME", ".local/state", "state"};
    case UserFolder::cache: return {"XDG_CACHE_HOME", ".cache", "cache"};
  }
  std::unreachable();
}

}  // namespace

Result<fs::path> user_folder(UserFolder folder) {
  const Names names = names_of(folder);
  if (const fs::path all = absolute_setting("CAGE_STATE_DIR"); !all.empty()) return all / names.below_override;
  if (const fs::path own = absolute_setting(names.variable); !own.empty()) return own / "cages";
  const fs::path home = absolute_setting("HOME");
  if (home.empty()) return fail(Code::MACHINE, "HOME", "an absolute path in the environment", "none");
  return home / names.below_home / "cages";
}

}  // namespace cages
