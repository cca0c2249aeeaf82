// SPDX-License-Identifier: Apache-2.0
// `cage-host enclave`: one image, no platform. For main() and for trying drivers; the service is serve.h.
#pragma once

#include <span>
#include <string_view>

#include "host/drivers/driver.h"
#include "host/drivers/process.h"

namespace cages::host {

struct RunOptions {
  drivers::StartOptions start;
  drivers::ProcessOptions driver;
  bool json = false;
};

// parse_run_options: USAGE with the word that makes no sense.
Result<RunOptions> parse_run_options(std::span<const std::string_view> words);

// run_enclave returns the exit code when the enclave has ended: 0 where it exited with 0 or was stopped, 1 else.
Result<int> run_enclave(const RunOptions& options);

}  // namespace cages::host
