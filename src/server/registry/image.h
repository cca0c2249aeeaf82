// SPDX-License-Identifier: Apache-2.0
// What caged reads out of an uploaded image by itself: its measurements and its measured manifest. Whatever the uploader says
// about them is not asked. For server/registry.
#pragma once

#include <filesystem>

#include "eif/check.h"
#include "wire/manifest.h"

namespace cages::server {

struct MeasuredImage {
  eif::Measurements pcrs;
  wire::Manifest manifest;
  bool has_kernel = true;
};

// untrusted: measure_image reads the file twice at most. eif/'s classes; MANIFEST where its second ramdisk has none.
Result<MeasuredImage> measure_image(const std::filesystem::path& path);

}  // namespace cages::server
