// SPDX-License-Identifier: Apache-2.0
// Database and Statement: SQLite behind types that close themselves. One connection, one thread; statements are prepared once
// and values are always bound, never spliced into SQL. For server/store alone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace cages::server {

// A statement in use. lifetime: not beyond its database; one use of the same SQL at a time. Views it returns last until the next
// step().
class Statement {
 public:
  explicit Statement(sqlite3_stmt* handle) : handle_(handle) {}
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;

  // bind sets parameter `at`, from 1. A null ByteView is an empty blob; use bind_null for NULL.
  Statement& bind(int at, std::int64_t value);
  Statement& bind(int at, std::string_view value);
  Statement& bind(int at, ByteView value);
  Statement& bind_null(int at);
  // step: true where a row came. IO on failure, EXISTS where a constraint forbids it.
  Result<bool> step();
  // run steps to the end and forgets rows.
  Result<void> run();
  // Columns of the row, from 0.
  [[nodiscard]] std::int64_t number(int column) const;
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] Bytes blob(int column) const;
  [[nodiscard]] bool is_null(int column) const;

 private:
  sqlite3_stmt* handle_;
};

class Database {
 public:
  // open makes or opens the file (mode 0600; ":memory:" for tests), write-ahead log, foreign keys on, and brings its schema up to
  // date. IO; DATABASE_VERSION where a newer program wrote it.
  static Result<Database> open(const std::filesystem::path& path);
  Database(Database&&) noexcept;
  Database& operator=(Database&&) = delete;
  ~Database();

  // prepare: `sql` is a constant of ours.
  Result<Statement> prepare(std::string_view sql);
  // execute runs one or more statements without parameters.
  Result<void> execute(const char* sql);
  // changes counts the rows that the last statement changed.
  [[nodiscard]] std::int64_t changes() const;
  [[nodiscard]] std::int64_t last_row() const;

 private:
  explicit Database(sqlite3* handle) : handle_(handle) {}
  Result<void> migrate();
  sqlite3* handle_;
  std::map<std::string, sqlite3_stmt*, std::less<>> prepared_;
};

// Rolls back unless commit() was reached.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Result<void> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace cages::server
