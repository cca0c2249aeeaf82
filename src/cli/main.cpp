// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "base/log.h"
#include "cli/options.h"

int main(int argc, char** argv) {
  using namespace cages::cli;
  cages::log::start("cage", cages::log::Level::warning);
  std::vector<std::unique_ptr<Verb>> verbs;
#define CAGE_VERB(name) verbs.push_back(make_##name());
#include "cli/verbs.def"
#undef CAGE_VERB
  Terminal terminal{std::cout, std::cerr, std::cin};
  terminal.interactive = ::isatty(STDERR_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  return run_command_line(argc, argv, std::move(verbs), terminal);
}
