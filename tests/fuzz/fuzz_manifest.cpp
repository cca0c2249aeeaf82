// SPDX-License-Identifier: Apache-2.0
// Whatever the manifest parser accepts is exactly what the writer writes.
#include <cstdlib>

#include "wire/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const cages::ByteView input(data, size);
  const auto manifest = cages::wire::parse_manifest(input);
  if (!manifest) return 0;
  const auto again = cages::wire::write_manifest(*manifest);
  if (!again || !cages::equal(*again, input)) std::abort();
  return 0;
}
