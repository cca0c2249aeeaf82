// SPDX-License-Identifier: Apache-2.0
// Store: what the engine keeps.
#include "base/limits.h"
#include "server/store/rows.h"
#include "server/store/store.h"

namespace cages::server {
namespace {

Result<std::int64_t> read_count(Statement& query) {
  TRY_ASSIGN(const bool row, query.step());
  return row ? query.number(0) : 0;
}

}  // namespace

Result<std::int64_t> Store::add_engine_key(const EngineKey& key) {
  TRY_ASSIGN(Statement count, database_.prepare("SELECT COALESCE(MAX(version), 0) FROM engine_keys WHERE app = ? AND curve = ?"));
  TRY_ASSIGN(const std::int64_t newest, read_count(count.bind(1, key.app).bind(2, key.curve)));
  if (newest >= static_cast<std::int64_t>(limits::kEngineKeyVersionsMax)) {
    return fail(Code::LIMIT, "key versions", std::to_string(limits::kEngineKeyVersionsMax), std::to_string(newest + 1));
  }
  TRY_ASSIGN(Statement insert, database_.prepare("INSERT INTO engine_keys (app, curve, version, public, wrapped, created) "
                                                 "VALUES (?, ?, ?, ?, ?, ?)"));
  insert.bind(1, key.app).bind(2, key.curve).bind(3, newest + 1).bind(4, ByteView(key.public_point)).bind(5, key.wrapped);
  TRY(insert.bind(6, now()).run());
  return newest + 1;
}

Result<std::vector<EngineKey>> Store::engine_keys(std::string_view app) {
  TRY_ASSIGN(Statement query, database_.prepare("SELECT curve, version, public, wrapped, created FROM engine_keys WHERE app = ? "
                                                "ORDER BY version DESC, curve"));
  query.bind(1, app);
  std::vector<EngineKey> keys;
  while (true) {
    TRY_ASSIGN(const bool more, query.step());
    if (!more) return keys;
    EngineKey key;
    key.app = app;
    key.curve = query.text(0);
    key.version = query.number(1);
    TRY_ASSIGN(key.public_point, fixed<33>(query, 2));
    key.wrapped = query.blob(3);
    key.created = query.number(4);
    keys.push_back(std::move(key));
  }
}

Result<void> Store::add_role(std::string_view app, std::string_view name) {
  TRY_ASSIGN(const std::vector<std::string> known, roles(app));
  if (std::ranges::find(known, name) != known.end()) return fail(Code::EXISTS, "role", "a new name", printable(name));
  if (known.size() >= limits::kEngineRolesMax) return fail(Code::LIMIT, "roles", std::to_string(limits::kEngineRolesMax), "more");
  TRY_ASSIGN(Statement insert, database_.prepare("INSERT INTO roles (app, name, created) VALUES (?, ?, ?)"));
  return insert.bind(1, app).bind(2, name).bind(3, now()).run();
}

Result<std::vector<std::string>> Store::roles(std::string_view app) {
  TRY_ASSIGN(Statement query, database_.prepare("SELECT name FROM roles WHERE app = ? ORDER BY name"));
  query.bind(1, app);
  std::vector<std::string> names;
  while (true) {
    TRY_ASSIGN(const bool more, query.step());
    if (!more) return names;
    names.push_back(query.text(0));
  }
}

Result<void> Store::set_decrypt_policy(std::string_view app, std::string_view json) {
  TRY_ASSIGN(Statement insert, database_.prepare("INSERT INTO decrypt_policies (app, policy, updated) VALUES (?1, ?2, ?3) "
                                                 "ON CONFLICT (app) DO UPDATE SET policy = ?2, updated = ?3"));
  return insert.bind(1, app).bind(2, json).bind(3, now()).run();
}

Result<std::optional<std::string>> Store::decrypt_policy(std::string_view app) {
  TRY_ASSIGN(Statement query, database_.prepare("SELECT policy FROM decrypt_policies WHERE app = ?"));
  TRY_ASSIGN(const bool found, query.bind(1, app).step());
  if (!found) return std::optional<std::string>();
  return std::optional<std::string>(query.text(0));
}

}  // namespace cages::server
