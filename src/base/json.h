// SPDX-License-Identifier: Apache-2.0
// Json: a JSON value, read strictly (no duplicate member, bounded depth and size, no trailing text) and written compactly or
// indented, members in the order given. For configuration, command output and APIs. Not for attested or hashed bytes: those
// are canonical CBOR (wire/cbor.h).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/limits.h"
#include "base/result.h"

namespace cages {

class Json {
 public:
  using Member = std::pair<std::string, Json>;
  using Array = std::vector<Json>;
  using Object = std::vector<Member>;  // order kept; parse_json refuses a name that occurs twice

  Json() = default;  // null
  Json(std::nullptr_t) {}
  Json(bool value) : value_(value) {}
  Json(int value) : value_(std::int64_t{value}) {}
  Json(unsigned value) : value_(std::int64_t{value}) {}
  Json(std::int64_t value) : value_(value) {}
  Json(std::uint64_t value) : value_(static_cast<std::int64_t>(value)) {}
  Json(double value) : value_(value) {}
  Json(std::string value) : value_(std::move(value)) {}
  Json(std::string_view value) : value_(std::string(value)) {}
  Json(const char* value) : value_(std::string(value)) {}
  Json(Array value) : value_(std::move(value)) {}
  Json(Object value) : value_(std::move(value)) {}
  // An object literal: Json::object({{"verdict", "accept"}, {"pcrs", list}}).
  static Json object(std::initializer_list<Member> members = {}) { return Json(Object(members)); }
  static Json array(std::initializer_list<Json> items = {}) { return Json(Array(items)); }

  [[nodiscard]] bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  [[nodiscard]] bool is_object() const { return std::holds_alternative<Object>(value_); }
  [[nodiscard]] bool is_array() const { return std::holds_alternative<Array>(value_); }
  [[nodiscard]] bool is_string() const { return std::holds_alternative<std::string>(value_); }
  // Null pointers where the value is of another type.
  [[nodiscard]] const bool* as_bool() const { return std::get_if<bool>(&value_); }
  [[nodiscard]] const std::int64_t* as_int() const { return std::get_if<std::int64_t>(&value_); }
  [[nodiscard]] const double* as_double() const { return std::get_if<double>(&value_); }
  [[nodiscard]] const std::string* as_string() const { return std::get_if<std::string>(&value_); }
  [[nodiscard]] const Array* as_array() const { return std::get_if<Array>(&value_); }
  [[nodiscard]] const Object* as_object() const { return std::get_if<Object>(&value_); }
  [[nodiscard]] std::string* as_string() { return std::get_if<std::string>(&value_); }
  [[nodiscard]] Array* as_array() { return std::get_if<Array>(&value_); }
  [[nodiscard]] Object* as_object() { return std::get_if<Object>(&value_); }

  // find returns the member called `name`, or null where there is none or this is no object.
  // lifetime: as long as this value is not changed.
  [[nodiscard]] const Json* find(std::string_view name) const;
  // set adds or replaces a member; turns null into an object first.
  void set(std::string_view name, Json value);
  // text_or returns the string member `name`, or `otherwise`.
  [[nodiscard]] std::string text_or(std::string_view name, std::string_view otherwise) const;
  [[nodiscard]] std::int64_t int_or(std::string_view name, std::int64_t otherwise) const;

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> value_;
};

// parse_json reads one value. JSON on bad syntax, a duplicate member name, more than `bytes_max` bytes or kJsonDepthMax
// levels, or an integer outside int64.
Result<Json> parse_json(std::string_view text, std::size_t bytes_max = limits::kJsonBytesMax);
// write_json writes one line; with `indent` > 0 several. Bytes that are not UTF-8 are replaced by U+FFFD.
std::string write_json(const Json& value, int indent = 0);
// error_json: {"error":{"code","check","expected","got","next"}} (interfaces: ERRORS).
Json error_json(const Error& error);

}  // namespace cages
