// SPDX-License-Identifier: Apache-2.0
// Names that no secret may have (design §4.8): whoever sets a secret's value is not whoever wrote the image, and must
// not get to choose what loaders, runtimes, shells, proxies or TLS libraries do. For `cage build`, the platform and
// `cage secrets`.
#pragma once

#include <string_view>

namespace cages::wire {

// reserved_secret_name returns what reads a variable of this name ("the dynamic loader", …), or an empty text where
// nothing known does. Letter case does not matter: some readers take both.
std::string_view reserved_secret_name(std::string_view name);

}  // namespace cages::wire
