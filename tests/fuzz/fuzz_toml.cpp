// SPDX-License-Identifier: Apache-2.0
// Configuration files, and the two of a project: no crash, whatever they hold.
#include "base/toml.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto table = cages::parse_toml(text, "fuzz");
  if (table) (void)table->finish();
  return 0;
}
