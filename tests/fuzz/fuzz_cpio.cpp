// SPDX-License-Identifier: Apache-2.0
// The ramdisk reader: bounded, and no path that it gives out leaves the root.
#include <cstdlib>

#include "image/cpio.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  cages::image::CpioReader reader(cages::image::source_of({data, size}));
  std::uint8_t buffer[256];
  for (;;) {
    const auto entry = reader.next();
    if (!entry || !*entry) return 0;
    const auto clean = cages::image::clean_path((*entry)->path);
    if (!clean || *clean != (*entry)->path) std::abort();
    if (!reader.read(buffer)) return 0;
  }
}
