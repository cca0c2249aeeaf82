// SPDX-License-Identifier: Apache-2.0
// Serving: the part of a cage's life in which the world is answered: TLS under a leaf that is renewed, the data plane
// behind it, and the lease that permits both. It takes a Granted and a Leaf, so that there is none before provisioning.
// For Cage alone.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "net/event.h"
#include "runtime/boot/keys.h"
#include "runtime/boot/leaf.h"
#include "runtime/boot/prover.h"
#include "runtime/boot/provision.h"
#include "runtime/cage/powers.h"
#include "runtime/ingress/data_plane.h"
#include "tls/server.h"
#include "wire/manifest.h"

namespace cages::runtime {

// Who is served, by what. lifetime: all references outlive what serves.
struct ServingFacts {
  const wire::Manifest& manifest;
  const Keys& keys;
  Provisioner& provisioner;
  std::string cage_id;  // module id of the NSM
};

class Serving {
 public:
  // open makes ready and listens; nothing is accepted before start(). TLS_* where the leaf cannot be shown, EXISTS
  // where the port is taken. `changed` hears when the lease ends.
  static Result<std::unique_ptr<Serving>> open(const CagePowers& powers, ServingFacts facts, Granted granted,
                                               const Leaf& leaf, net::Event& changed);
  void start();
  [[nodiscard]] bool lease_ended() const { return lease_ended_; }
  [[nodiscard]] const DataPlane& plane() const { return *plane_; }
  // drain takes no new work, lets what is in flight end within `grace`, and ends everything that start() began. Await
  // it before this goes.
  Task<void> drain(Nanoseconds grace);
  // hurry shortens a drain that is under way to `grace` from now.
  void hurry(Nanoseconds grace) { plane_->hurry(grace); }

 private:
  Serving(const CagePowers& powers, ServingFacts facts, Granted granted, net::Event& changed);
  Task<void> keep_lease();
  Task<void> renew_leaf();
  Result<void> show_new_leaf();
  [[nodiscard]] tls::ServerSettings tls_settings(tls::Identity identity) const;

  CagePowers powers_;
  ServingFacts facts_;
  Granted granted_;
  net::Event& changed_;
  Prover prover_;
  std::unique_ptr<AttestationResponder> attestation_;
  std::unique_ptr<tls::Server> server_;
  std::unique_ptr<DataPlane> plane_;
  net::ListenerPtr listener_;
  net::TaskGroup tasks_;
  bool lease_ended_ = false;
};

}  // namespace cages::runtime
