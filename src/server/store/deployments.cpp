// SPDX-License-Identifier: Apache-2.0
// Store: apps and their deployments.
#include "server/store/rows.h"
#include "server/store/store.h"

namespace cages::server {
namespace {

#define CAGES_DEPLOYMENT_COLUMNS                                                                        \
  "SELECT id, app, version, cage, evidence_class, state, names, secrets, image_sha256, image_bytes, " \
  "pcr0, pcr1, pcr2, pcr8, memory_mib, cpus, host, egress FROM deployments "

Result<Deployment> read_deployment(const Statement& row) {
  Deployment d;
  TRY_ASSIGN(d.id, fixed<16>(row, 0));
  d.app = row.text(1);
  d.version = row.number(2);
  d.cage = row.text(3);
  d.evidence_class = row.text(4);
  const auto state = deployment_state(row.text(5));
  if (!state) return fail(Code::IO, "database", "a state", row.text(5));
  d.state = *state;
  TRY_ASSIGN(d.names, read_words(row.text(6)));
  TRY_ASSIGN(d.secrets, read_words(row.text(7)));
  TRY_ASSIGN(d.image_sha256, fixed<32>(row, 8));
  d.image_bytes = row.number(9);
  TRY_ASSIGN(d.pcr0, fixed<48>(row, 10));
  TRY_ASSIGN(d.pcr1, fixed<48>(row, 11));
  TRY_ASSIGN(d.pcr2, fixed<48>(row, 12));
  TRY_ASSIGN(d.pcr8, optional_fixed<48>(row, 13));
  d.memory_mib = row.number(14);
  d.cpus = row.number(15);
  TRY_ASSIGN(d.host, optional_fixed<16>(row, 16));
  d.egress = row.text(17);
  return d;
}

Result<std::optional<Deployment>> one_deployment(Statement& query) {
  TRY_ASSIGN(const bool found, query.step());
  if (!found) return std::optional<Deployment>();
  TRY_ASSIGN(Deployment deployment, read_deployment(query));
  return std::optional<Deployment>(std::move(deployment));
}

Result<std::vector<Deployment>> all_deployments(Statement& query) {
  std::vector<Deployment> all;
  while (true) {
    TRY_ASSIGN(const bool more, query.step());
    if (!more) return all;
    TRY_ASSIGN(Deployment deployment, read_deployment(query));
    all.push_back(std::move(deployment));
  }
}

Result<App> read_app(const Statement& row) { return App{row.text(0), row.text(1), row.number(2), {}}; }

}  // namespace

std::string_view to_text(DeploymentState state) {
  switch (state) {
    case DeploymentState::rolling: return "rolling";
    case DeploymentState::live: return "live";
    case DeploymentState::draining: return "draining";
    case DeploymentState::ended: return "ended";
    case DeploymentState::revoked: return "revoked";
  }
  return "?";
}

std::optional<DeploymentState> deployment_state(std::string_view text) {
  for (const auto state :
       {DeploymentState::rolling, DeploymentState::live, DeploymentState::draining, DeploymentState::ended,
        DeploymentState::revoked}) {
    if (to_text(state) == text) return state;
  }
  return {};
}

Result<void> Store::add_app(const App& app) {
  TRY_ASSIGN(Statement insert, database_.prepare("INSERT INTO apps (id, name, floor, created) VALUES (?, ?, ?, ?)"));
  return insert.bind(1, app.id).bind(2, app.name).bind(3, app.floor).bind(4, now()).run();
}

Result<std::vector<Digest384>> Store::signers_of(std::string_view app) {
  TRY_ASSIGN(Statement query, database_.prepare("SELECT pcr8 FROM app_signers WHERE app = ? ORDER BY pcr8"));
  query.bind(1, app);
  std::vector<Digest384> signers;
  while (true) {
    TRY_ASSIGN(const bool more, query.step());
    if (!more) return signers;
    TRY_ASSIGN(const Digest384 signer, fixed<48>(query, 0));
    signers.push_back(signer);
  }
}

Result<std::optional<App>> Store::app(std::string_view id_or_name) {
  std::optional<App> found;
  {
    TRY_ASSIGN(Statement query, database_.prepare("SELECT id, name, floor FROM apps WHERE id = ?1 OR name = ?1 "
                                                  "ORDER BY id = ?1 DESC"));
    TRY_ASSIGN(const bool any, query.bind(1, id_or_name).step());
    if (!any) return found;
    TRY_ASSIGN(found, read_app(query));
  }
  TRY_ASSIGN(found->signers, signers_of(found->id));
  return found;
}

Result<std::vector<App>> Store::apps() {
  std::vector<App> all;
  {
    TRY_ASSIGN(Statement query, database_.prepare("SELECT id, name, floor FROM apps ORDER BY name"));
    while (true) {
      TRY_ASSIGN(const bool more, query.step());
      if (!more) break;
      TRY_ASSIGN(App app, read_app(query));
      all.push_back(std::move(app));
    }
  }
  for (App& app : all) {
    TRY_ASSIGN(app.signers, signers_of(app.id));
  }
  return all;
}

Result<void> Store::set_floor(std::string_view app, std::int64_t floor) {
  TRY_ASSIGN(Statement update, database_.prepare("UPDATE apps SET floor = ?2 WHERE id = ?1 AND floor <= ?2"));
  TRY(update.bind(1, app).bind(2, floor).run());
  if (database_.changes() != 1) return fail(Code::POLICY_CONTRADICTION, "floor", "not below what it is", std::to_string(floor));
  return {};
}

Result<void> Store::set_signers(std::string_view app, const std::vector<Digest384>& signers) {
  TRY_ASSIGN(Transaction transaction, Transaction::begin(database_));
  {
    TRY_ASSIGN(Statement remove, database_.prepare("DELETE FROM app_signers WHERE app = ?"));
    TRY(remove.bind(1, app).run());
  }
  for (const Digest384& signer : signers) {
    TRY_ASSIGN(Statement insert, database_.prepare("INSERT OR IGNORE INTO app_signers (app, pcr8) VALUES (?, ?)"));
    TRY(insert.bind(1, app).bind(2, ByteView(signer)).run());
  }
  return transaction.commit();
}

Result<std::int64_t> Store::add_deployment(const Deployment& d) {
  TRY_ASSIGN(Statement insert, database_.prepare(
      "INSERT INTO deployments (id, app, version, cage, evidence_class, state, names, secrets, image_sha256, image_bytes, "
      "pcr0, pcr1, pcr2, pcr8, memory_mib, cpus, host, created, egress) VALUES (?1, ?2, "
      "(SELECT COALESCE(MAX(version), 0) + 1 FROM deployments WHERE app = ?2), "
      "?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18) RETURNING version"));
  insert.bind(1, ByteView(d.id)).bind(2, d.app).bind(3, d.cage).bind(4, d.evidence_class).bind(5, to_text(d.state));
  insert.bind(6, write_words(d.names)).bind(7, write_words(d.secrets)).bind(8, ByteView(d.image_sha256));
  insert.bind(9, d.image_bytes).bind(10, ByteView(d.pcr0)).bind(11, ByteView(d.pcr1)).bind(12, ByteView(d.pcr2));
  bind_optional(insert, 13, d.pcr8);
  insert.bind(14, d.memory_mib).bind(15, d.cpus);
  bind_optional(insert, 16, d.host);
  TRY_ASSIGN(const bool row, insert.bind(17, now()).bind(18, d.egress).step());
  if (!row) return fail(Code::INTERNAL, "RETURNING");
  const std::int64_t version = insert.number(0);
  TRY(insert.run());
  return version;
}

Result<std::optional<Deployment>> Store::deployment(const Id& id) {
  TRY_ASSIGN(Statement query, database_.prepare(CAGES_DEPLOYMENT_COLUMNS "WHERE id = ?"));
  query.bind(1, ByteView(id));
  return one_deployment(query);
}

Result<std::optional<Deployment>> Store::deployment_by_version(std::string_view app, std::int64_t version) {
  TRY_ASSIGN(Statement query, database_.prepare(CAGES_DEPLOYMENT_COLUMNS "WHERE app = ? AND version = ?"));
  query.bind(1, app).bind(2, version);
  return one_deployment(query);
}

Result<std::vector<Deployment>> Store::deployments(std::string_view app) {
  TRY_ASSIGN(Statement query, database_.prepare(CAGES_DEPLOYMENT_COLUMNS "WHERE app = ? ORDER BY version DESC LIMIT 1000"));
  query.bind(1, app);
  return all_deployments(query);
}

Result<std::vector<Deployment>> Store::deployments_of_host(const Id& host) {
  TRY_ASSIGN(Statement query, database_.prepare(CAGES_DEPLOYMENT_COLUMNS
                                                "WHERE host = ? AND state IN ('rolling', 'live', 'draining') "
                                                "ORDER BY version DESC LIMIT 128"));
  query.bind(1, ByteView(host));
  return all_deployments(query);
}

Result<std::vector<Deployment>> Store::unplaced_deployments() {
  TRY_ASSIGN(Statement query, database_.prepare(CAGES_DEPLOYMENT_COLUMNS
                                                "WHERE host IS NULL AND state = 'rolling' ORDER BY created, version LIMIT 128"));
  return all_deployments(query);
}

Result<void> Store::set_host(const Id& deployment, const Id& host) {
  TRY_ASSIGN(Statement update, database_.prepare("UPDATE deployments SET host = ? WHERE id = ?"));
  return update.bind(1, ByteView(host)).bind(2, ByteView(deployment)).run();
}

Result<void> Store::set_state(const Id& deployment, DeploymentState state) {
  TRY_ASSIGN(Statement update, database_.prepare("UPDATE deployments SET state = ?1 WHERE id = ?2 AND (state NOT IN "
                                                 "('ended', 'revoked') OR (state = 'ended' AND ?1 = 'revoked'))"));
  TRY(update.bind(1, to_text(state)).bind(2, ByteView(deployment)).run());
  if (database_.changes() != 1) return fail(Code::PROV_STATE, "", "a deployment that is neither ended nor revoked", "none such");
  return {};
}

}  // namespace cages::server
