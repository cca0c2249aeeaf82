// SPDX-License-Identifier: Apache-2.0
#include "server/store/database.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <utility>

#include "server/store/schema.h"

namespace cages::server {
namespace {

std::unexpected<Error> sqlite_error(sqlite3* handle, std::string_view what) {
  const int code = sqlite3_extended_errcode(handle);
  const Code kind = (code & 0xff) == SQLITE_CONSTRAINT ? Code::EXISTS : Code::IO;
  return fail(kind, "database", std::string(what), sqlite3_errmsg(handle));
}

}  // namespace

Statement::Statement(Statement&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}

Statement::~Statement() {
  if (handle_ == nullptr) return;
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);  // secret: bound values do not stay in the cache
}

Statement& Statement::bind(int at, std::int64_t value) {
  sqlite3_bind_int64(handle_, at, value);
  return *this;
}
Statement& Statement::bind(int at, std::string_view value) {
  sqlite3_bind_text64(handle_, at, value.data(), value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}
Statement& Statement::bind(int at, ByteView value) {
  if (value.empty()) {
    sqlite3_bind_zeroblob(handle_, at, 0);
  } else {
    sqlite3_bind_blob64(handle_, at, value.data(), value.size(), SQLITE_TRANSIENT);
  }
  return *this;
}
Statement& Statement::bind_null(int at) {
  sqlite3_bind_null(handle_, at);
  return *this;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return sqlite_error(sqlite3_db_handle(handle_), "a step");
}

Result<void> Statement::run() {
  while (true) {
    TRY_ASSIGN(const bool more, step());
    if (!more) return {};
  }
}

std::int64_t Statement::number(int column) const { return sqlite3_column_int64(handle_, column); }
std::string Statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}
Bytes Statement::blob(int column) const {
  const auto* data = static_cast<const Byte*>(sqlite3_column_blob(handle_, column));
  if (data == nullptr) return {};
  return {data, data + sqlite3_column_bytes(handle_, column)};
}
bool Statement::is_null(int column) const { return sqlite3_column_type(handle_, column) == SQLITE_NULL; }

Result<Database> Database::open(const std::filesystem::path& path) {
  sqlite3* handle = nullptr;
  // SQLite makes its log and index files with the mode of the main file.
  const mode_t before = ::umask(0077);
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const int code = sqlite3_open_v2(path.c_str(), &handle, kFlags, nullptr);
  Database database(handle);
  if (code != SQLITE_OK) {
    ::umask(before);
    return sqlite_error(handle, path.string());
  }
  const auto ready = database.execute(
      "PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;"
      "PRAGMA trusted_schema = OFF; PRAGMA busy_timeout = 2000");
  ::umask(before);
  TRY(ready);
  TRY(database.migrate());
  return database;
}

Database::Database(Database&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), prepared_(std::exchange(other.prepared_, {})) {}

Database::~Database() {
  for (const auto& [sql, statement] : prepared_) sqlite3_finalize(statement);
  sqlite3_close_v2(handle_);
}

Result<Statement> Database::prepare(std::string_view sql) {
  auto found = prepared_.find(sql);
  if (found == prepared_.end()) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement, nullptr) !=
        SQLITE_OK) {
      return sqlite_error(handle_, sql);
    }
    found = prepared_.emplace(std::string(sql), statement).first;
  }
  return Statement(found->second);
}

Result<void> Database::execute(const char* sql) {
  if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return sqlite_error(handle_, sql);
  return {};
}

std::int64_t Database::changes() const { return sqlite3_changes64(handle_); }
std::int64_t Database::last_row() const { return sqlite3_last_insert_rowid(handle_); }

Result<void> Database::migrate() {
  std::int64_t version = 0;
  {
    TRY_ASSIGN(Statement statement, prepare("PRAGMA user_version"));
    TRY(statement.step());
    version = statement.number(0);
  }
  const auto known = static_cast<std::int64_t>(kMigrations.size());
  if (version > known) {
    return fail(Code::DATABASE_VERSION, "", "at most " + std::to_string(known), std::to_string(version));
  }
  for (; version < known; ++version) {
    TRY_ASSIGN(Transaction transaction, Transaction::begin(*this));
    TRY(execute(kMigrations[static_cast<std::size_t>(version)]));
    TRY(execute(("PRAGMA user_version = " + std::to_string(version + 1)).c_str()));
    TRY(transaction.commit());
  }
  return {};
}

Result<Transaction> Transaction::begin(Database& database) {
  TRY(database.execute("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::~Transaction() {
  if (database_ != nullptr) (void)database_->execute("ROLLBACK");
}

Result<void> Transaction::commit() {
  TRY(database_->execute("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace cages::server
