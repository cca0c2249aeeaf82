// SPDX-License-Identifier: Apache-2.0
// The schema of caged's database, as the steps that lead to it; a step that was released is never changed, a new one is added.
// For server/store alone.
#pragma once

#include <array>

namespace cages::server {

extern const std::array<const char*, 3> kMigrations;

}  // namespace cages::server
