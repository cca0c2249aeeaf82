// SPDX-License-Identifier: Apache-2.0
// CAGES_CHECK(id, ok): a security check by name. In every ordinary build it is `ok` and nothing else. In the builds of
// tests/mutate (CAGES_MUTATE) the environment may name one check that is forced to pass, to show that a test notices.
#pragma once

#ifdef CAGES_MUTATE

#include <cstdlib>
#include <string_view>

namespace cages {

inline bool mutated(std::string_view id) {
  const char* forced = std::getenv("CAGES_MUTATE_CHECK");
  return forced != nullptr && id == forced;
}

}  // namespace cages

// `ok` first: what it does besides judging is done in either build.
#define CAGES_CHECK(id, ok) ((ok) || ::cages::mutated(id))

#else

#define CAGES_CHECK(id, ok) (ok)

#endif
