// SPDX-License-Identifier: Apache-2.0
// Configuration files, and the two of a project: no crash, whatever they hold; a lock that is read is written alike.
#include <cstdlib>

#include "image/project.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)cages::image::parse_project(text);
  const auto lock = cages::image::parse_lock(text);
  if (!lock) return 0;
  const auto again = cages::image::parse_lock(cages::image::write_lock(*lock));
  if (!again || *again != *lock) std::abort();
  return 0;
}
