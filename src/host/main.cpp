// SPDX-License-Identifier: Apache-2.0
// cage-host: the trusted process outside the enclaves. `cage-host warden` is how it starts a warden; nobody else calls it so.
#include <iostream>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "host/drivers/warden.h"
#include "host/run_enclave.h"

namespace {

constexpr std::string_view kUsage =
    "usage: cage-host enclave IMAGE --run DIR --nsm-state DIR [--nsm PROGRAM] [--id ID] [--instance-id ID]\n"
    "                         [--memory-mib N] [--processes N] [--cpus N] [--port N …] [--json]\n"
    "\n"
    "Runs one image under the process driver until it ends or SIGTERM comes, with no platform: its heartbeat is answered,\n"
    "other ports take what comes and drop it. For trying images and drivers.\n";

}  // namespace

int main(int argc, char** argv) {
  using namespace cages;
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  if (!arguments.empty() && arguments[0] == drivers::kWardenWord) return drivers::run_warden();
  log::start("cage-host");
  if (!arguments.empty() && arguments[0] == "enclave") {
    auto options = host::parse_run_options(std::span(arguments).subspan(1));
    const auto code = options ? host::run_enclave(*options) : Result<int>(fail(std::move(options).error()));
    if (code) return *code;
    std::cerr << "cage-host: " << describe(code.error()) << "\n";
    return exit_code(code.error());
  }
  std::cerr << kUsage;
  return static_cast<int>(Kind::usage);
}
