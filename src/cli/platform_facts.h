// SPDX-License-Identifier: Apache-2.0
// PlatformFacts: what a platform says of itself to anybody (GET /v1/platform). Nothing of it is trusted for having been
// said: whoever writes a root into cage.lock has compared it. For `cage init` and `cage dev`.
#pragma once

#include <string>
#include <vector>

#include "cli/api_client.h"
#include "wire/manifest.h"

namespace cages::cli {

struct PlatformFacts {
  std::vector<wire::RootHash> roots;  // 1 to kPlatformRootsMax
  std::string evidence_class;         // of deployments that name none
  Json authorities;                   // evidence class -> PEM
};

// ask_platform: JSON, HEX or LIMIT where the answer is none of a platform's; what call() says else. Needs no API key.
Result<PlatformFacts> ask_platform(const ApiEndpoint& endpoint);

}  // namespace cages::cli
