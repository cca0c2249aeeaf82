// SPDX-License-Identifier: Apache-2.0
// The two ramdisks of a cage (design §3): 0 is the runtime and the command line, the same for every app; 1 is the
// user's image and the measured manifest. For cli/ (through eif/'s writer) and for tests.
#pragma once

#include "image/cpio.h"
#include "image/tree.h"

namespace cages::image {

// The folder of ramdisk 1 that the image's root becomes.
inline constexpr std::string_view kRootfsFolder = "rootfs";

// write_runtime_ramdisk: /cmdline (0444) and /init (0755), owned by root.
Result<void> write_runtime_ramdisk(const Content& runtime, std::string_view cmdline, const Sink& sink);

// write_app_ramdisk: /cage/manifest and /rootfs/…, in canonical form.
Result<void> write_app_ramdisk(const Tree& tree, ByteView manifest, const Sink& sink);

}  // namespace cages::image
