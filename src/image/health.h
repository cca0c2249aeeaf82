// SPDX-License-Identifier: Apache-2.0
// What an image's HEALTHCHECK asks, where it is a probe that the runtime can make itself: curl or wget on a URL of this
// machine, or nc on a port of it. Other commands need a program run in the cage again and again: those become a
// warning. For compose.cpp.
#pragma once

#include <optional>

#include "image/oci.h"
#include "wire/manifest.h"

namespace cages::image {

// recognise_probe returns the probe (its interval clamped to the manifest's bounds), `none` for {"NONE"}, or nothing
// where the command is none that we know to mean the same.
std::optional<wire::Health> recognise_probe(const Healthcheck& check);

}  // namespace cages::image
