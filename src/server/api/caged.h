// SPDX-License-Identifier: Apache-2.0
// Caged: the parts of the platform put together, and its two ports. For server/main.cpp and tests of the whole.
#pragma once

#include <memory>

#include "base/limits.h"
#include "net/event.h"
#include "net/event_loop.h"
#include "server/api/config.h"
#include "server/api/host_link.h"
#include "server/api/rest.h"

namespace cages::server {

class Caged {
 public:
  // open reads or makes the state. `production_root`: the one root that class nitro is judged by. MASTER_KEY,
  // DATABASE_VERSION, PLATFORM_CHAIN (a fleet's provisioner that the offline root has not certified), TLS_SETUP, IO.
  // lifetime: loop and random outlive it.
  static Result<std::unique_ptr<Caged>> open(Config config, const attest::TrustRoot& production_root, net::EventLoop& loop,
                                             crypto::Random& random);

  // serve listens on both ports until the loop stops. Writes ports.json (development: also api-key) into the state folder
  // once it listens.
  Task<Result<void>> serve();

  [[nodiscard]] Store& store() { return *store_; }
  [[nodiscard]] Keyring& keyring() { return *keyring_; }
  [[nodiscard]] Registry& registry() { return *registry_; }
  [[nodiscard]] Provisioner& provisioner() { return *provisioner_; }
  [[nodiscard]] HostLink& host_link() { return *host_link_; }
  [[nodiscard]] Rest& rest() { return *rest_; }

 private:
  Caged(Config config, net::EventLoop& loop, crypto::Random& random)
      : config_(std::move(config)), loop_(loop), random_(random), worker_(loop), balancers_(config_.proxy_peers),
        tasks_(loop), slots_(limits::kCagedConnectionsMax) {}
  Result<void> open_store();
  Result<void> open_provisioner(const attest::TrustRoot& production_root);
  Result<void> open_ports();
  Result<ServerIdentity> provisioner_identity();
  Result<void> write_ports(std::uint32_t api_port, std::uint32_t host_port);
  Task<void> accept_hosts(net::Listener& listener);
  Task<void> accept_clients(net::Listener& listener);
  Task<void> serve_client(net::Accepted accepted, net::Slots::Slot slot);
  Task<void> serve_host(net::Accepted accepted, net::Slots::Slot slot);
  Task<void> keep_house();
  Result<void> renew();

  Config config_;
  net::EventLoop& loop_;
  crypto::Random& random_;
  net::Worker worker_;
  Balancers balancers_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Keyring> keyring_;
  std::unique_ptr<KeyWrapper> engine_keys_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<EngineApi> engine_api_;
  std::unique_ptr<Blobs> blobs_;
  std::unique_ptr<Registry> registry_;
  std::unique_ptr<Provisioner> provisioner_;
  std::unique_ptr<HostLink> host_link_;
  std::unique_ptr<Rest> rest_;
  std::unique_ptr<tls::Server> api_tls_;
  http::Draining draining_;
  net::TaskGroup tasks_;
  net::Slots slots_;
};

}  // namespace cages::server
