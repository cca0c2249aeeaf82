// SPDX-License-Identifier: Apache-2.0
// Which code a client accepts, read from what `cage build` or nitro-cli printed. For libcage and the command line.
#pragma once

#include "base/json.h"
#include "policy/pcr_policy.h"

namespace cages::client {

// parse_measurements reads {"Measurements": {"PCR0": hex, …}}, or the inner object alone, as measurements.json has it: PCR0, 1, 2
// and, where it is there and not zero, 8. MEASUREMENTS else.
Result<policy::PcrSet> parse_measurements(const Json& json);

// parse_release reads a release file (release.json) that `release_key` signed (PEM, got elsewhere than the file) into the set
// that it speaks for, with its counter and its end. RELEASE_STATEMENT, JSON, BASE64 or PEM.
Result<policy::PcrSet> parse_release(std::string_view file, std::string_view release_key);

}  // namespace cages::client
