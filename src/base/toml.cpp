// SPDX-License-Identifier: Apache-2.0
#include "base/toml.h"

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/text.h"

namespace cages {

struct TomlConverter {
  using Table = TomlTable;

  static void convert(const toml::node& node, const std::string& file, const std::string& path, Table::Value& into) {
    into.line = node.source().begin.line;
    if (const auto* text = node.as_string()) {
      into.kind = Table::Kind::text;
      into.text = text->get();
    } else if (const auto* number = node.as_integer()) {
      into.kind = Table::Kind::integer;
      into.number = number->get();
    } else if (const auto* flag = node.as_boolean()) {
      into.kind = Table::Kind::boolean;
      into.number = flag->get() ? 1 : 0;
    } else if (const auto* table = node.as_table()) {
      into.kind = Table::Kind::table;
      into.table = std::make_unique<Table>(convert(*table, file, path + "."));
    } else if (const auto* list = node.as_array()) {
      const auto is_text = [](const toml::node& item) { return item.is_string(); };
      if (!std::ranges::all_of(*list, is_text)) return;
      into.kind = Table::Kind::texts;
      for (const toml::node& item : *list) into.texts.push_back(item.as_string()->get());
    }
  }

  static Table convert(const toml::table& table, const std::string& file, const std::string& path) {
    Table out;
    out.file_ = file;
    out.path_ = path;
    for (const auto& [key, node] : table) {
      const std::string name(key.str());
      convert(node, file, path + name, out.values_[name]);
    }
    return out;
  }
};

Result<TomlTable> parse_toml(std::string_view text, std::string_view file) {
  if (text.size() > limits::kTomlBytesMax) {
    return fail(Code::LIMIT, std::string(file), "at most " + std::to_string(limits::kTomlBytesMax) + " bytes", "more");
  }
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return fail(Code::TOML, std::string(file) + " line " + std::to_string(error.source().begin.line), "TOML 1.0",
                printable(error.description(), 200));
  }
  return TomlConverter::convert(parsed.table(), std::string(file), "");
}

std::uint32_t TomlTable::line_of(std::string_view key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? 0 : found->second.line;
}

std::string TomlTable::where(std::string_view key) const {
  const std::uint32_t line = line_of(key);
  const std::string name = path_ + printable(key);
  return line == 0 ? file_ + ", " + name : file_ + " line " + std::to_string(line) + ", " + name;
}

const TomlTable::Value* TomlTable::find(std::string_view key) {
  known_.emplace(key);
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second;
}

std::unexpected<Error> TomlTable::wrong(std::string_view key, std::string expected) const {
  return fail(Code::TOML_KEY, where(key), std::move(expected), "something else");
}

Result<std::optional<std::string>> TomlTable::text(std::string_view key) {
  const Value* value = find(key);
  if (value == nullptr) return std::optional<std::string>();
  if (value->kind != Kind::text) return wrong(key, "a string");
  return std::optional(value->text);
}

Result<std::optional<bool>> TomlTable::boolean(std::string_view key) {
  const Value* value = find(key);
  if (value == nullptr) return std::optional<bool>();
  if (value->kind != Kind::boolean) return wrong(key, "true or false");
  return std::optional(value->number != 0);
}

Result<std::optional<std::int64_t>> TomlTable::integer(std::string_view key, std::int64_t low, std::int64_t high) {
  const Value* value = find(key);
  if (value == nullptr) return std::optional<std::int64_t>();
  const std::string range = "a number from " + std::to_string(low) + " to " + std::to_string(high);
  if (value->kind != Kind::integer) return wrong(key, range);
  if (value->number < low || value->number > high) {
    return fail(Code::TOML_KEY, where(key), range, std::to_string(value->number));
  }
  return std::optional(value->number);
}

Result<std::optional<std::vector<std::string>>> TomlTable::texts(std::string_view key) {
  const Value* value = find(key);
  if (value == nullptr) return std::optional<std::vector<std::string>>();
  if (value->kind != Kind::texts) return wrong(key, "a list of strings");
  return std::optional(value->texts);
}

Result<std::optional<std::pair<std::vector<std::string>, bool>>> TomlTable::text_or_texts(std::string_view key) {
  using Out = std::optional<std::pair<std::vector<std::string>, bool>>;
  const Value* value = find(key);
  if (value == nullptr) return Out();
  if (value->kind == Kind::text) return Out({std::vector{value->text}, false});
  if (value->kind == Kind::texts) return Out({value->texts, true});
  return wrong(key, "a string or a list of strings");
}

Result<std::optional<std::size_t>> TomlTable::choice(std::string_view key, const std::vector<std::string_view>& words) {
  const Value* value = find(key);
  if (value == nullptr) return std::optional<std::size_t>();
  std::string expected = "one of";
  for (const std::string_view word : words) expected += " \"" + std::string(word) + "\"";
  if (value->kind != Kind::text) return wrong(key, expected);
  const auto found = std::ranges::find(words, value->text);
  if (found == words.end()) return fail(Code::TOML_KEY, where(key), expected, "\"" + printable(value->text) + "\"");
  return std::optional(static_cast<std::size_t>(found - words.begin()));
}

Result<TomlTable*> TomlTable::table(std::string_view key) {
  find(key);
  const auto found = values_.find(key);
  if (found == values_.end()) {
    Value& fresh = values_[std::string(key)];
    fresh.kind = Kind::table;
    fresh.table = std::make_unique<TomlTable>();
    fresh.table->file_ = file_;
    fresh.table->path_ = path_ + std::string(key) + ".";
    return fresh.table.get();
  }
  if (found->second.kind != Kind::table) return wrong(key, "a table");
  return found->second.table.get();
}

std::vector<std::string> TomlTable::keys() {
  std::vector<std::string> names;
  for (const auto& [name, value] : values_) names.push_back(name);
  known_.insert(names.begin(), names.end());
  return names;
}

Result<void> TomlTable::finish() const {
  const std::vector<std::string_view> known(known_.begin(), known_.end());
  // The first in the file, not in the alphabet: that is where the reader looks.
  const Value* first = nullptr;
  std::string_view name;
  for (const auto& [key, value] : values_) {
    if (known_.contains(key) || (first != nullptr && first->line <= value.line)) continue;
    first = &value;
    name = key;
  }
  if (first == nullptr) return {};
  return fail(Code::TOML_KEY, where(name), path_ + nearest(name, known), path_ + printable(name));
}

std::string toml_string(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace cages
