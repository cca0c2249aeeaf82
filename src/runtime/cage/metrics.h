// SPDX-License-Identifier: Apache-2.0
// What a cage counts of itself, as one sample for the host (wire/control.h). Numbers only: nothing of a client's or of
// the app's. For Cage alone.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "runtime/ingress/data_plane.h"
#include "wire/control.h"

namespace cages::runtime {

struct CageCounts {
  std::uint64_t app_restarts = 0;
  std::uint64_t connections = 0;  // open now
  DataPlaneCounts plane;
};

// sample: names as in docs/protocol.md. The runtime's memory is read from /proc, and left out where that cannot be
// read.
wire::MetricsSample sample(const CageCounts& counts, Nanoseconds now);

}  // namespace cages::runtime
