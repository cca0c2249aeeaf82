// SPDX-License-Identifier: Apache-2.0
// unpack: the ramdisks of an image into the root of an enclave, measured once more on the way, so that what runs is what was
// checked. Runs inside the enclave's namespaces, with the old root already gone.
#pragma once

#include "eif/read.h"
#include "host/drivers/report.h"

namespace cages::drivers {

enum class Owners : std::uint8_t {
  keep,
  collapse,  // everything is the one id's (single-id mode)
};

// unpack writes every ramdisk below `root` (a descriptor of an empty folder). CPIO and LIMIT as image/cpio.h; CPIO too where a
// second ramdisk gives a path anew; DRIVER_IDS for an owner above 65535; DRIVER_MEMORY where the memory is too small;
// DRIVER_CHANGED where the file no longer measures to `expected`. Device nodes and sockets are left out and counted.
Result<Unpacked> unpack(const eif::EifFile& image, const eif::Measurements& expected, int root, Owners owners);

}  // namespace cages::drivers
