// SPDX-License-Identifier: Apache-2.0
// The isolated build: there is no network, and nothing of runtime/egress is in the program (tests/isolation).
#include "runtime/cage/network.h"

namespace cages::runtime {

wire::Variant build_variant() { return wire::Variant::isolated; }

Result<std::unique_ptr<Network>> open_network(const wire::Manifest&) { return std::unique_ptr<Network>(); }

}  // namespace cages::runtime
