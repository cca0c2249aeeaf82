// SPDX-License-Identifier: Apache-2.0
// Names in other scripts, as people write them in cage.toml, to the A-labels that a manifest holds. At build alone: no
// part that judges names at run time has Unicode's tables. For `cage build`.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace cages::cli {

// to_a_labels turns the names among egress entries into A-labels (IDNA2008 with UTS 46's mapping, non-transitional); what
// is ASCII stays. EGRESS_ENTRY where a name has none.
Result<void> to_a_labels(std::vector<std::string>& entries);

}  // namespace cages::cli
