// SPDX-License-Identifier: Apache-2.0
#include "base/paths.h"

#include <unistd.h>

#include <cstdlib>
#include <string>

#include "base/private_file.h"

namespace cages {
namespace {

namespace fs = std::filesystem;

// A socket's path has 107 bytes, and the enclave's folder and the port's name follow (interfaces: DIRS).
constexpr std::size_t kRunPathBytesMax = 40;

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

Result<fs::path> make_user_run_folder(std::string_view name) {
  const fs::path all = absolute_setting("CAGE_STATE_DIR");
  const fs::path own = absolute_setting("XDG_RUNTIME_DIR");
  fs::path parent = "/tmp/cages-" + std::to_string(::getuid());
  for (const fs::path& wanted : {own.empty() ? own : own / "cages", all.empty() ? all : all / "run"}) {
    if (!wanted.empty() && (wanted / name).native().size() <= kRunPathBytesMax) parent = wanted;
  }
  // Each of the two is looked at: /tmp is everybody's.
  TRY(PrivateFolder::open_or_create(parent));
  TRY(PrivateFolder::open_or_create(parent / name));
  return parent / name;
}

fs::path system_folder(SystemFolder folder) {
  const fs::path all = absolute_setting("CAGE_STATE_DIR");
  switch (folder) {
    case SystemFolder::config: return all.empty() ? fs::path("/etc/cages") : all / "config";
    case SystemFolder::state: return all.empty() ? fs::path("/var/lib/cages") : all / "state";
    case SystemFolder::run: return all.empty() ? fs::path("/run/cages") : all / "run";
  }
  std::unreachable();
}

}  // namespace cages
