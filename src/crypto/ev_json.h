// SPDX-License-Identifier: Apache-2.0
// Encrypted values in JSON: every leaf sealed, or every sealed leaf replaced by what it opens to. A number's or
// boolean's text is its JSON text; null stays null. For the local API, the platform's API and the command line.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "crypto/ev.h"

namespace cages::crypto {

// seal_leaves replaces each string, number and boolean by its encrypted string. LIMIT above `leaves_max`.
Result<void> seal_leaves(Json& json, const EvSealer& sealer, const std::optional<wire::EvMetadata>& metadata,
                         std::size_t leaves_max);

struct SealedLeaf {
  Json* leaf;        // lifetime: as long as the whole value is not changed elsewhere
  std::string path;  // as RFC 6901 has it: "/cards/0/number"
};
// sealed_leaves finds the strings that look like encrypted ones. LIMIT above `leaves_max` leaves of any kind.
Result<std::vector<SealedLeaf>> sealed_leaves(Json& json, std::size_t leaves_max);
// put_opened makes a leaf what its text says it is: a string, or the JSON number or boolean that its type announces;
// EV_FORMAT where it is none.
Result<void> put_opened(Json& leaf, wire::EvType type, const Secret& value);

// wipe_texts overwrites every string in it. secret: for values that were opened.
void wipe_texts(Json& json);

}  // namespace cages::crypto
