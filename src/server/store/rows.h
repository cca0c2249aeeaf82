// SPDX-License-Identifier: Apache-2.0
// Columns to fixed-size values and lists of words, and back. For server/store alone.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "server/store/database.h"

namespace cages::server {

// fixed: IO where a column has another length: the file was written by something else.
template <std::size_t N>
Result<std::array<Byte, N>> fixed(const Statement& row, int column) {
  const Bytes bytes = row.blob(column);
  std::array<Byte, N> out{};
  if (bytes.size() != N) return fail(Code::IO, "database", std::to_string(N) + " bytes", std::to_string(bytes.size()));
  std::ranges::copy(bytes, out.begin());
  return out;
}

template <std::size_t N>
Result<std::optional<std::array<Byte, N>>> optional_fixed(const Statement& row, int column) {
  if (row.is_null(column)) return std::optional<std::array<Byte, N>>();
  TRY_ASSIGN(const auto value, fixed<N>(row, column));
  return std::optional(value);
}

template <std::size_t N>
void bind_optional(Statement& statement, int at, const std::optional<std::array<Byte, N>>& value) {
  if (value) {
    statement.bind(at, ByteView(*value));
  } else {
    statement.bind_null(at);
  }
}

inline std::string write_words(const std::vector<std::string>& words) {
  Json::Array list;
  for (const std::string& word : words) list.emplace_back(word);
  return write_json(Json(std::move(list)));
}

inline Result<std::vector<std::string>> read_words(std::string_view text) {
  TRY_ASSIGN(const Json json, parse_json(text));
  std::vector<std::string> words;
  if (!json.is_array()) return fail(Code::IO, "database", "a list", "another value");
  for (const Json& item : *json.as_array()) {
    if (item.as_string() != nullptr) words.push_back(*item.as_string());
  }
  return words;
}

}  // namespace cages::server
