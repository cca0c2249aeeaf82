// SPDX-License-Identifier: Apache-2.0
// Where a user's files of ours lie (interfaces: DIRS). For the programs that a user runs; those of the system have
// theirs in their configuration.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace cages {

enum class UserFolder : std::uint8_t { config, state, cache };

// user_folder: XDG_CONFIG_HOME/cages, XDG_STATE_HOME/cages, XDG_CACHE_HOME/cages, by the defaults of the XDG base
// directory specification below HOME; $CAGE_STATE_DIR/{config,state,cache} where that is set. Relative settings are
// ignored, as the specification asks. MACHINE where neither they nor HOME say. Creates nothing.
Result<std::filesystem::path> user_folder(UserFolder folder);

}  // namespace cages
