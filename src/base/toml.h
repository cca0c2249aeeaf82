// SPDX-License-Identifier: Apache-2.0
// TomlTable: a TOML file whose reader asks for each setting by name and then finds what nobody asked for: an unknown
// key is an error that names its line and the nearest known one. For configuration files. The parser behind it is seen
// by toml.cpp alone.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace cages {

class TomlTable {
 public:
  // parse_toml reads a whole file of at most kTomlBytesMax bytes. `file` is how errors call it ("cage.toml"). TOML with
  // the line on bad syntax; LIMIT.
  friend Result<TomlTable> parse_toml(std::string_view text, std::string_view file);

  TomlTable() = default;

  // Each returns the value of `key`, or none where it is absent; TOML_KEY (with its line) where it has another type or
  // is out of its bounds. All of them make the key known.
  Result<std::optional<std::string>> text(std::string_view key);
  Result<std::optional<bool>> boolean(std::string_view key);
  Result<std::optional<std::int64_t>> integer(std::string_view key, std::int64_t low, std::int64_t high);
  Result<std::optional<std::vector<std::string>>> texts(std::string_view key);
  // text_or_texts: one string, or a list of them. `second` tells which.
  Result<std::optional<std::pair<std::vector<std::string>, bool>>> text_or_texts(std::string_view key);
  // choice: one of `words`, as its index.
  Result<std::optional<std::size_t>> choice(std::string_view key, const std::vector<std::string_view>& words);
  // table returns the sub-table, an empty one where it is absent. Call finish() on it too. lifetime: of this table.
  Result<TomlTable*> table(std::string_view key);
  // keys lists all keys in ascending order: for tables whose keys are names of the user's. They become known.
  std::vector<std::string> keys();
  [[nodiscard]] bool has(std::string_view key) const { return values_.contains(key); }
  // line_of returns where `key` stands, 0 where it is absent.
  [[nodiscard]] std::uint32_t line_of(std::string_view key) const;
  // where: "cage.toml line 7, egress.allow".
  [[nodiscard]] std::string where(std::string_view key) const;

  // finish: TOML_KEY for the first key that nobody asked for, with the nearest of those that were.
  Result<void> finish() const;

 private:
  enum class Kind : std::uint8_t { text, integer, boolean, texts, table, other };
  struct Value {
    Kind kind = Kind::other;
    std::uint32_t line = 0;
    std::string text;
    std::int64_t number = 0;
    std::vector<std::string> texts;
    std::unique_ptr<TomlTable> table;
  };
  friend struct TomlConverter;
  const Value* find(std::string_view key);
  std::unexpected<Error> wrong(std::string_view key, std::string expected) const;

  std::string file_;
  std::string path_;  // "egress.", or empty at the top
  std::map<std::string, Value, std::less<>> values_;
  std::set<std::string, std::less<>> known_;
};

Result<TomlTable> parse_toml(std::string_view text, std::string_view file);

// toml_string writes a basic string with its quotes, everything escaped that must be.
std::string toml_string(std::string_view text);

}  // namespace cages
