// SPDX-License-Identifier: Apache-2.0
#include "server/store/store.h"

#include "server/store/rows.h"

namespace cages::server {
namespace {

std::string secret_place(std::string_view app, std::string_view evidence_class, std::string_view name) {
  // No part may hold a line feed: ids, classes and names are checked where they come in.
  return "secret\n" + std::string(app) + '\n' + std::string(evidence_class) + '\n' + std::string(name);
}

std::string key_place(std::string_view name) { return "platform key\n" + std::string(name); }

}  // namespace

Result<Store> Store::open(const std::filesystem::path& folder, const Clock& clock, crypto::Random& random) {
  TRY_ASSIGN(Sealer sealer, Sealer::open_or_create(folder / "master.key", random));
  TRY_ASSIGN(Database database, Database::open(folder / "caged.db"));
  return Store(std::move(database), std::move(sealer), clock);
}

Result<void> Store::add_api_key(std::string_view id, std::string_view name, const Digest256& secret_hash) {
  TRY_ASSIGN(Statement insert,
             database_.prepare("INSERT INTO api_keys (id, name, secret_hash, created) VALUES (?, ?, ?, ?)"));
  return insert.bind(1, id).bind(2, name).bind(3, ByteView(secret_hash)).bind(4, now()).run();
}

Result<std::optional<Digest256>> Store::api_key(std::string_view id) {
  TRY_ASSIGN(Statement query, database_.prepare("SELECT secret_hash FROM api_keys WHERE id = ?"));
  TRY_ASSIGN(const bool found, query.bind(1, id).step());
  if (!found) return std::optional<Digest256>();
  return optional_fixed<32>(query, 0);
}

Result<std::int64_t> Store::count_api_keys() {
  TRY_ASSIGN(Statement query, database_.prepare("SELECT COUNT(*) FROM api_keys"));
  TRY(query.step());
  return query.number(0);
}

Result<bool> Store::burn_token(const Id& id, std::int64_t expires_at) {
  TRY_ASSIGN(Statement insert, database_.prepare("INSERT OR IGNORE INTO burnt_tokens (id, expires) VALUES (?, ?)"));
  TRY(insert.bind(1, ByteView(id)).bind(2, expires_at).run());
  return database_.changes() == 1;
}

Result<void> Store::forget_burnt(std::int64_t expired_before) {
  TRY_ASSIGN(Statement remove, database_.prepare("DELETE FROM burnt_tokens WHERE expires < ?"));
  return remove.bind(1, expired_before).run();
}

Result<void> Store::set_secret(std::string_view app, std::string_view evidence_class, std::string_view name,
                               const Secret& value) {
  TRY_ASSIGN(const Bytes sealed, sealer_.seal(secret_place(app, evidence_class, name), value.reveal()));
  TRY_ASSIGN(Statement insert, database_.prepare("INSERT OR REPLACE INTO secrets (app, evidence_class, name, sealed, updated) "
                                                 "VALUES (?, ?, ?, ?, ?)"));
  return insert.bind(1, app).bind(2, evidence_class).bind(3, name).bind(4, ByteView(sealed)).bind(5, now()).run();
}

Result<std::optional<Secret>> Store::secret(std::string_view app, std::string_view evidence_class, std::string_view name) {
  TRY_ASSIGN(Statement query,
             database_.prepare("SELECT sealed FROM secrets WHERE app = ? AND evidence_class = ? AND name = ?"));
  TRY_ASSIGN(const bool found, query.bind(1, app).bind(2, evidence_class).bind(3, name).step());
  if (!found) return std::optional<Secret>();
  TRY_ASSIGN(Secret value, sealer_.open(secret_place(app, evidence_class, name), query.blob(0)));
  return std::optional<Secret>(std::move(value));
}

Result<std::vector<SecretEntry>> Store::secret_names(std::string_view app) {
  TRY_ASSIGN(Statement query, database_.prepare("SELECT name, evidence_class, updated FROM secrets WHERE app = ? "
                                                "ORDER BY name, evidence_class"));
  query.bind(1, app);
  std::vector<SecretEntry> entries;
  while (true) {
    TRY_ASSIGN(const bool more, query.step());
    if (!more) return entries;
    entries.push_back({query.text(0), query.text(1), query.number(2)});
  }
}

Result<bool> Store::remove_secret(std::string_view app, std::string_view evidence_class, std::string_view name) {
  TRY_ASSIGN(Statement remove, database_.prepare("DELETE FROM secrets WHERE app = ? AND evidence_class = ? AND name = ?"));
  TRY(remove.bind(1, app).bind(2, evidence_class).bind(3, name).run());
  return database_.changes() == 1;
}

Result<void> Store::set_platform_key(std::string_view name, const Secret& private_pem, ByteView certificate) {
  TRY_ASSIGN(const Bytes sealed, sealer_.seal(key_place(name), private_pem.reveal()));
  TRY_ASSIGN(Statement insert,
             database_.prepare("INSERT OR REPLACE INTO platform_keys (name, sealed, certificate) VALUES (?, ?, ?)"));
  return insert.bind(1, name).bind(2, ByteView(sealed)).bind(3, certificate).run();
}

Result<std::optional<PlatformKey>> Store::platform_key(std::string_view name) {
  TRY_ASSIGN(Statement query, database_.prepare("SELECT sealed, certificate FROM platform_keys WHERE name = ?"));
  TRY_ASSIGN(const bool found, query.bind(1, name).step());
  if (!found) return std::optional<PlatformKey>();
  PlatformKey key;
  TRY_ASSIGN(key.private_pem, sealer_.open(key_place(name), query.blob(0)));
  key.certificate = query.blob(1);
  return std::optional<PlatformKey>(std::move(key));
}

Result<void> Store::record_lease(const Id& deployment, const Id& host, std::string_view module_id, std::int64_t until) {
  TRY_ASSIGN(Statement insert,
             database_.prepare("INSERT INTO leases (deployment, host, module_id, granted, until) VALUES (?, ?, ?, ?, ?) "
                               "ON CONFLICT (deployment, host, module_id) DO UPDATE SET granted = excluded.granted, "
                               "until = excluded.until, grants = grants + 1"));
  return insert.bind(1, ByteView(deployment)).bind(2, ByteView(host)).bind(3, module_id).bind(4, now()).bind(5, until).run();
}

Result<std::int64_t> Store::lease_until(const Id& deployment) {
  TRY_ASSIGN(Statement query, database_.prepare("SELECT COALESCE(MAX(until), 0) FROM leases WHERE deployment = ?"));
  TRY(query.bind(1, ByteView(deployment)).step());
  return query.number(0);
}

Result<void> Store::audit(std::string_view actor, std::string_view action, std::string_view subject, std::string_view code,
                          std::string_view detail) {
  TRY_ASSIGN(Statement insert, database_.prepare("INSERT INTO audit (time, actor, action, subject, code, detail) "
                                                 "VALUES (?, ?, ?, ?, ?, ?)"));
  insert.bind(1, now()).bind(2, actor).bind(3, action).bind(4, subject).bind(5, code);
  return insert.bind(6, printable(detail, 512)).run();
}

Result<std::vector<AuditEntry>> Store::audit_log(std::int64_t before, std::int64_t count_max) {
  TRY_ASSIGN(Statement query, database_.prepare("SELECT id, time, actor, action, subject, code, detail FROM audit "
                                                "WHERE (?1 = 0 OR id < ?1) ORDER BY id DESC LIMIT ?2"));
  query.bind(1, before).bind(2, count_max);
  std::vector<AuditEntry> entries;
  while (true) {
    TRY_ASSIGN(const bool more, query.step());
    if (!more) return entries;
    entries.push_back({query.number(0), query.number(1), query.text(2), query.text(3), query.text(4), query.text(5),
                       query.text(6)});
  }
}

}  // namespace cages::server
