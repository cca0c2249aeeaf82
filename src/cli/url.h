// SPDX-License-Identifier: Apache-2.0
// An https URL as the verbs take it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cages::cli {

struct Url {
  std::string host;  // lower case, no brackets
  std::uint16_t port = 443;
  std::string target;  // path and query, begins with "/"
};

// parse_url reads "https://host[:port][/path][?query]", or the same without its scheme. USAGE on another scheme, user
// information, a fragment, control characters or a port that is none.
Result<Url> parse_url(std::string_view text);

}  // namespace cages::cli
