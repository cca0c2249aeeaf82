// SPDX-License-Identifier: Apache-2.0
// Store: hosts and their enrolment.
#include "server/store/rows.h"
#include "server/store/store.h"

namespace cages::server {
namespace {

constexpr std::string_view kHostById = "SELECT id, name, key_hash, pcr3, pcr4, revoked FROM hosts WHERE id = ?";
constexpr std::string_view kHostByKey = "SELECT id, name, key_hash, pcr3, pcr4, revoked FROM hosts WHERE key_hash = ?";
constexpr std::string_view kHosts = "SELECT id, name, key_hash, pcr3, pcr4, revoked FROM hosts ORDER BY name";

Result<Host> read_host(const Statement& row) {
  Host host;
  TRY_ASSIGN(host.id, fixed<16>(row, 0));
  host.name = row.text(1);
  TRY_ASSIGN(host.key_hash, fixed<32>(row, 2));
  TRY_ASSIGN(host.pcr3, optional_fixed<48>(row, 3));
  TRY_ASSIGN(host.pcr4, optional_fixed<48>(row, 4));
  host.revoked = row.number(5) != 0;
  return host;
}

Result<std::optional<Host>> one_host(Statement& query) {
  TRY_ASSIGN(const bool found, query.step());
  if (!found) return std::optional<Host>();
  TRY_ASSIGN(Host host, read_host(query));
  return std::optional<Host>(std::move(host));
}

}  // namespace

Result<void> Store::add_enrolment(const Enrolment& enrolment) {
  TRY_ASSIGN(Statement insert, database_.prepare("INSERT INTO enrolments (id, secret_hash, host_name, pcr3, pcr4, expires) "
                                                 "VALUES (?, ?, ?, ?, ?, ?)"));
  insert.bind(1, ByteView(enrolment.id)).bind(2, ByteView(enrolment.secret_hash)).bind(3, enrolment.host_name);
  bind_optional(insert, 4, enrolment.pcr3);
  bind_optional(insert, 5, enrolment.pcr4);
  return insert.bind(6, enrolment.expires_at).run();
}

Result<std::optional<Enrolment>> Store::use_enrolment(const Id& id) {
  TRY_ASSIGN(Transaction transaction, Transaction::begin(database_));
  Enrolment enrolment;
  {
    TRY_ASSIGN(Statement query, database_.prepare("SELECT secret_hash, host_name, pcr3, pcr4, expires FROM enrolments "
                                                  "WHERE id = ? AND used = 0"));
    TRY_ASSIGN(const bool found, query.bind(1, ByteView(id)).step());
    if (!found) return std::optional<Enrolment>();
    enrolment.id = id;
    TRY_ASSIGN(enrolment.secret_hash, fixed<32>(query, 0));
    enrolment.host_name = query.text(1);
    TRY_ASSIGN(enrolment.pcr3, optional_fixed<48>(query, 2));
    TRY_ASSIGN(enrolment.pcr4, optional_fixed<48>(query, 3));
    enrolment.expires_at = query.number(4);
  }
  TRY_ASSIGN(Statement update, database_.prepare("UPDATE enrolments SET used = 1 WHERE id = ? AND used = 0"));
  TRY(update.bind(1, ByteView(id)).run());
  TRY(transaction.commit());
  return std::optional<Enrolment>(std::move(enrolment));
}

Result<void> Store::add_host(const Host& host) {
  TRY_ASSIGN(Statement insert, database_.prepare("INSERT INTO hosts (id, name, key_hash, pcr3, pcr4, enrolled) "
                                                 "VALUES (?, ?, ?, ?, ?, ?)"));
  insert.bind(1, ByteView(host.id)).bind(2, host.name).bind(3, ByteView(host.key_hash));
  bind_optional(insert, 4, host.pcr3);
  bind_optional(insert, 5, host.pcr4);
  return insert.bind(6, now()).run();
}

Result<std::optional<Host>> Store::host(const Id& id) {
  TRY_ASSIGN(Statement query, database_.prepare(kHostById));
  query.bind(1, ByteView(id));
  return one_host(query);
}

Result<std::optional<Host>> Store::host_by_key(const Digest256& key_hash) {
  TRY_ASSIGN(Statement query, database_.prepare(kHostByKey));
  query.bind(1, ByteView(key_hash));
  return one_host(query);
}

Result<std::vector<Host>> Store::hosts() {
  TRY_ASSIGN(Statement query, database_.prepare(kHosts));
  std::vector<Host> all;
  while (true) {
    TRY_ASSIGN(const bool more, query.step());
    if (!more) return all;
    TRY_ASSIGN(Host host, read_host(query));
    all.push_back(std::move(host));
  }
}

Result<void> Store::revoke_host(const Id& id) {
  TRY_ASSIGN(Statement update, database_.prepare("UPDATE hosts SET revoked = 1 WHERE id = ?"));
  return update.bind(1, ByteView(id)).run();
}

}  // namespace cages::server
