// SPDX-License-Identifier: Apache-2.0
// Rest: the REST API (docs/protocol.md, API): JSON in, JSON out; images and secrets as raw bodies. For the command line, CI, and
// the dashboard. Handlers here, HTTP in http/, what they do in server/registry.
#pragma once

#include <functional>

#include "base/json.h"
#include "crypto/random.h"
#include "http/server.h"
#include "net/event.h"
#include "net/worker.h"
#include "server/api/access.h"
#include "server/api/engine_api.h"
#include "server/provisioner/keyring.h"
#include "server/registry/registry.h"

namespace cages::server {

class Rest {
 public:
  struct Platform {
    std::vector<crypto::KeyHash> roots;  // of the provisioner's chain: what images name
  };
  // `changed` is called when what hosts should run may have changed. lifetime: everything outlives it.
  Rest(Platform platform, Registry& registry, Blobs& blobs, Store& store, Keyring& keyring, EngineApi& engine,
       net::Worker& worker, std::function<void()> changed)
      : platform_(std::move(platform)), registry_(registry), blobs_(blobs), store_(store), keyring_(keyring), engine_(engine),
        worker_(worker), changed_(std::move(changed)) {}

  // handle answers one request.
  Task<Result<void>> handle(http::Request& request, http::Responder& responder);

 private:
  struct Call;
  using Step = Result<Json> (Rest::*)(const Call&);
  struct Route;
  static const std::vector<Route>& routes();
  Task<Result<Json>> dispatch(http::Request& request);
  Task<Result<Json>> upload(http::Request& request, const Call& call);

  Result<Json> get_platform(const Call& call);
  Result<Json> list_apps(const Call& call);
  Result<Json> create_app(const Call& call);
  Result<Json> list_deployments(const Call& call);
  Result<Json> revoke(const Call& call);
  Result<Json> release(const Call& call);
  Result<Json> set_floor(const Call& call);
  Result<Json> set_signers(const Call& call);
  Result<Json> list_secrets(const Call& call);
  Result<Json> set_secret(const Call& call);
  Result<Json> remove_secret(const Call& call);
  Result<Json> enrol_code(const Call& call);
  Result<Json> list_hosts(const Call& call);
  Result<Json> revoke_host(const Call& call);
  Result<Json> list_audit(const Call& call);
  // client_keys needs no key: what it tells is public.
  Result<Json> client_keys(const http::Request& request);
  template <auto Ask>
  Result<Json> ask_engine(const Call& call);
  Result<Json> decrypt(const Call& call);

  Platform platform_;
  Registry& registry_;
  Blobs& blobs_;
  Store& store_;
  Keyring& keyring_;
  EngineApi& engine_;
  net::Worker& worker_;
  net::Slots measuring_{1};
  std::function<void()> changed_;
};

}  // namespace cages::server
