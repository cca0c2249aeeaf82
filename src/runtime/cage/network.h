// SPDX-License-Identifier: Apache-2.0
// Network: what the networked build gives an app beyond its own loopback. There are two builds of the runtime from the
// same sources: src/runtime/networked.cpp or src/runtime/isolated.cpp defines the two functions at the end of this file,
// and the isolated one links nothing of runtime/egress. docs/decisions/0072-two-runtimes.md.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "net/event_loop.h"
#include "net/stream.h"
#include "wire/control.h"
#include "wire/manifest.h"

namespace cages::runtime {

struct NetworkPowers {
  net::EventLoop& loop;
  net::PortDialer& host;
  std::function<void(std::string_view line)> say;             // to the owner's log
  std::function<void(std::vector<wire::Metric>)> measure;
};

class Network {
 public:
  virtual ~Network() = default;
  // run serves the app until it is cancelled. Once. lifetime: the powers outlive the network, and it the loop's last turn.
  virtual Task<Result<void>> run(NetworkPowers powers) = 0;
};

// build_variant: which of the two this program is.
wire::Variant build_variant();
// open_network makes ready what needs privileges, before the runtime gives them up; null in the isolated build.
// EGRESS_KERNEL, EGRESS_ENTRY.
Result<std::unique_ptr<Network>> open_network(const wire::Manifest& manifest);

}  // namespace cages::runtime
