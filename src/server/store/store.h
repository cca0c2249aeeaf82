// SPDX-License-Identifier: Apache-2.0
// Store: what caged keeps, by typed operations. One thread. Every operation is one transaction; failures are IO but where said.
// For server/.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "server/store/database.h"
#include "server/store/records.h"
#include "server/store/sealer.h"

namespace cages::server {

struct SecretEntry {
  std::string name;
  std::string evidence_class;
  std::int64_t updated = 0;  // Unix seconds
};

struct PlatformKey {
  Secret private_pem;
  Bytes certificate;  // DER; empty where the key has none
};

class Store {
 public:
  // open uses `folder`/caged.db and `folder`/master.key. lifetime: clock and random outlive it.
  static Result<Store> open(const std::filesystem::path& folder, const Clock& clock, crypto::Random& random);
  Store(Database database, Sealer sealer, const Clock& clock)
      : database_(std::move(database)), sealer_(std::move(sealer)), clock_(&clock) {}

  // API keys: `id.secret`; only the secret's SHA-256 is kept.
  Result<void> add_api_key(std::string_view id, std::string_view name, const Digest256& secret_hash);
  Result<std::optional<Digest256>> api_key(std::string_view id);
  Result<std::int64_t> count_api_keys();

  // Apps. EXISTS where the name is taken.
  Result<void> add_app(const App& app);
  Result<std::optional<App>> app(std::string_view id_or_name);
  Result<std::vector<App>> apps();
  // set_floor only ever raises it; POLICY_CONTRADICTION else.
  Result<void> set_floor(std::string_view app, std::int64_t floor);
  Result<void> set_signers(std::string_view app, const std::vector<Digest384>& signers);

  // Hosts and enrolments.
  Result<void> add_enrolment(const Enrolment& enrolment);
  // use_enrolment marks it used and returns it; nothing where it is unknown or was used. A second call gets nothing.
  Result<std::optional<Enrolment>> use_enrolment(const Id& id);
  Result<void> add_host(const Host& host);
  Result<std::optional<Host>> host(const Id& id);
  Result<std::optional<Host>> host_by_key(const Digest256& key_hash);
  Result<std::vector<Host>> hosts();
  Result<void> revoke_host(const Id& id);

  // Deployments. add_deployment gives it the app's next version, and returns that.
  Result<std::int64_t> add_deployment(const Deployment& deployment);
  Result<std::optional<Deployment>> deployment(const Id& id);
  Result<std::optional<Deployment>> deployment_by_version(std::string_view app, std::int64_t version);
  Result<std::vector<Deployment>> deployments(std::string_view app);
  Result<std::vector<Deployment>> deployments_of_host(const Id& host);
  // unplaced_deployments: rolling, and no host has them yet; oldest first.
  Result<std::vector<Deployment>> unplaced_deployments();
  Result<void> set_host(const Id& deployment, const Id& host);
  // set_state: PROV_STATE where it was revoked: that is for good.
  Result<void> set_state(const Id& deployment, DeploymentState state);

  // burn: true once for each id, false ever after.
  Result<bool> burn_token(const Id& id, std::int64_t expires_at);
  // forget_burnt drops ids whose tokens have long expired, so that the table stays small.
  Result<void> forget_burnt(std::int64_t expired_before);

  // Secrets, each of one app and one evidence class.
  Result<void> set_secret(std::string_view app, std::string_view evidence_class, std::string_view name, const Secret& value);
  Result<std::optional<Secret>> secret(std::string_view app, std::string_view evidence_class, std::string_view name);
  Result<std::vector<SecretEntry>> secret_names(std::string_view app);
  Result<bool> remove_secret(std::string_view app, std::string_view evidence_class, std::string_view name);

  // The engine: keys of apps, data roles, and policies of who may have what opened. A private key comes and goes wrapped.
  // add_engine_key gives it the next version of its app and curve, and returns that; LIMIT above kEngineKeyVersionsMax.
  Result<std::int64_t> add_engine_key(const EngineKey& key);
  Result<std::vector<EngineKey>> engine_keys(std::string_view app);  // newest first
  Result<void> add_role(std::string_view app, std::string_view name);  // EXISTS; LIMIT above kEngineRolesMax
  Result<std::vector<std::string>> roles(std::string_view app);
  Result<void> set_decrypt_policy(std::string_view app, std::string_view json);
  Result<std::optional<std::string>> decrypt_policy(std::string_view app);

  // The platform's own keys.
  Result<void> set_platform_key(std::string_view name, const Secret& private_pem, ByteView certificate);
  Result<std::optional<PlatformKey>> platform_key(std::string_view name);

  Result<void> record_lease(const Id& deployment, const Id& host, std::string_view module_id, std::int64_t until);
  // leases_until: the latest end of any lease of the deployment; 0 where it has none.
  Result<std::int64_t> lease_until(const Id& deployment);

  // audit adds one line; time is the store's clock.
  Result<void> audit(std::string_view actor, std::string_view action, std::string_view subject, std::string_view code,
                     std::string_view detail);
  // audit_log returns at most `count_max` entries, newest first, with ids below `before` (0: all).
  Result<std::vector<AuditEntry>> audit_log(std::int64_t before, std::int64_t count_max);

  [[nodiscard]] const Clock& clock() const { return *clock_; }

 private:
  [[nodiscard]] std::int64_t now() const { return unix_seconds(clock_->wall()); }
  Result<std::vector<Digest384>> signers_of(std::string_view app);
  Database database_;
  Sealer sealer_;
  const Clock* clock_;
};

}  // namespace cages::server
