// SPDX-License-Identifier: Apache-2.0
// The networked build: runtime/egress behind runtime/cage/network.h.
#include "runtime/cage/network.h"
#include "runtime/egress/egress.h"

namespace cages::runtime {
namespace {

class EgressNetwork final : public Network {
 public:
  EgressNetwork(policy::AllowList list, egress::Sockets sockets) : list_(std::move(list)), sockets_(std::move(sockets)) {}
  Task<Result<void>> run(NetworkPowers powers) override {
    egress_.emplace(egress::Powers{powers.loop, powers.host, std::move(powers.say), std::move(powers.measure)}, list_,
                    std::move(sockets_));
    co_return co_await egress_->run();
  }

 private:
  policy::AllowList list_;
  egress::Sockets sockets_;
  std::optional<egress::Egress> egress_;
};

}  // namespace

wire::Variant build_variant() { return wire::Variant::networked; }

Result<std::unique_ptr<Network>> open_network(const wire::Manifest& manifest) {
  TRY_ASSIGN(policy::AllowList list, policy::AllowList::parse(manifest.egress));
  TRY_ASSIGN(egress::Sockets sockets, egress::open_sockets());
  return std::make_unique<EgressNetwork>(std::move(list), std::move(sockets));
}

}  // namespace cages::runtime
