// SPDX-License-Identifier: Apache-2.0
// Where our files lie (interfaces: DIRS): the one place that knows. CAGE_STATE_DIR overrides all of it (tests, cage dev).
#pragma once

#include <filesystem>
#include <string_view>

#include "base/result.h"

namespace cages {

enum class UserFolder : std::uint8_t { config, state, cache };

// user_folder: XDG_CONFIG_HOME/cages, XDG_STATE_HOME/cages, XDG_CACHE_HOME/cages, by the defaults of the XDG base
// directory specification below HOME; $CAGE_STATE_DIR/{config,state,cache} where that is set. Relative settings are
// ignored, as the specification asks. MACHINE where neither they nor HOME say. Creates nothing.
Result<std::filesystem::path> user_folder(UserFolder folder);

// make_user_run_folder makes the folder for a user's sockets, 0700 and at most 40 bytes long, so that their paths fit:
// XDG_RUNTIME_DIR/cages/`name`, else /tmp/cages-<uid>/`name`; $CAGE_STATE_DIR/run/`name` first where that is set.
// UNSAFE_FILE where somebody else's is there.
Result<std::filesystem::path> make_user_run_folder(std::string_view name);

enum class SystemFolder : std::uint8_t { config, state, run };

// system_folder: /etc/cages, /var/lib/cages, /run/cages, for programs that an operator runs as services;
// $CAGE_STATE_DIR/{config,state,run} where that is set. Creates nothing.
std::filesystem::path system_folder(SystemFolder folder);

}  // namespace cages
