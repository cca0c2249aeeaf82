// SPDX-License-Identifier: Apache-2.0
// run_command_line: parses argv against every verb and runs the one chosen. For main() and tests.
#pragma once

#include "cli/verb.h"

namespace cages::cli {

// Returns the exit code. `verbs` in the order of --help.
int run_command_line(int argc, const char* const* argv, std::vector<std::unique_ptr<Verb>> verbs, Terminal& terminal);

}  // namespace cages::cli
