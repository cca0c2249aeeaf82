// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "base/bytes.h"

namespace cages {
namespace {

// Builds a Json from the library's events and stops at the first thing that is not allowed.
class Builder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return add(Json()); }
  bool boolean(bool value) override { return add(Json(value)); }
  bool number_integer(number_integer_t value) override { return add(Json(std::int64_t{value})); }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max())) {
      return stop("an integer of at most 63 bits", std::to_string(value));
    }
    return add(Json(static_cast<std::int64_t>(value)));
  }
  bool number_float(number_float_t value, const string_t&) override { return add(Json(value)); }
  bool string(string_t& value) override { return add(Json(std::move(value))); }
  bool binary(binary_t&) override { return stop("JSON", "binary"); }
  bool start_object(std::size_t) override { return open(Json(Json::Object{})); }
  bool key(string_t& name) override {
    if (stack_.back().find(name) != nullptr || keys_.back() == name) return stop("a member once", printable(name));
    keys_.back() = name;
    return true;
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(Json(Json::Array{})); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    return stop("JSON", "an error at byte " + std::to_string(position));
  }

  Json result;
  std::string expected = "JSON";
  std::string got = "something else";

 private:
  bool stop(std::string want, std::string have) {
    expected = std::move(want);
    got = std::move(have);
    return false;
  }
  bool open(Json container) {
    if (stack_.size() >= limits::kJsonDepthMax) {
      return stop("at most " + std::to_string(limits::kJsonDepthMax) + " levels", "more");
    }
    stack_.push_back(std::move(container));
    keys_.emplace_back();
    return true;
  }
  bool close() {
    Json done = std::move(stack_.back());
    stack_.pop_back();
    keys_.pop_back();
    return add(std::move(done));
  }
  bool add(Json value) {
    if (stack_.empty()) {
      result = std::move(value);
    } else if (auto* array = stack_.back().as_array()) {
      array->push_back(std::move(value));
    } else {
      stack_.back().as_object()->emplace_back(std::move(keys_.back()), std::move(value));
      keys_.back().clear();
    }
    return true;
  }

  std::vector<Json> stack_;
  std::vector<std::string> keys_;
};

nlohmann::ordered_json convert(const Json& value) {
  if (const auto* b = value.as_bool()) return *b;
  if (const auto* i = value.as_int()) return *i;
  if (const auto* d = value.as_double()) return *d;
  if (const auto* s = value.as_string()) return *s;
  if (const auto* a = value.as_array()) {
    auto out = nlohmann::ordered_json::array();
    for (const Json& item : *a) out.push_back(convert(item));
    return out;
  }
  if (const auto* o = value.as_object()) {
    auto out = nlohmann::ordered_json::object();
    for (const auto& [name, member] : *o) out[name] = convert(member);
    return out;
  }
  return nullptr;
}

}  // namespace

const Json* Json::find(std::string_view name) const {
  if (const Object* object = as_object()) {
    for (const Member& member : *object) {
      if (member.first == name) return &member.second;
    }
  }
  return nullptr;
}

void Json::set(std::string_view name, Json value) {
  if (is_null()) value_ = Object{};
  auto* object = as_object();
  if (object == nullptr) return;
  for (Member& member : *object) {
    if (member.first == name) {
      member.second = std::move(value);
      return;
    }
  }
  object->emplace_back(std::string(name), std::move(value));
}

std::string Json::text_or(std::string_view name, std::string_view otherwise) const {
  const Json* member = find(name);
  const std::string* text = member == nullptr ? nullptr : member->as_string();
  return text == nullptr ? std::string(otherwise) : *text;
}

std::int64_t Json::int_or(std::string_view name, std::int64_t otherwise) const {
  const Json* member = find(name);
  const std::int64_t* number = member == nullptr ? nullptr : member->as_int();
  return number == nullptr ? otherwise : *number;
}

Result<Json> parse_json(std::string_view text, std::size_t bytes_max) {
  if (text.size() > bytes_max) {
    return fail(Code::JSON, "", "at most " + std::to_string(bytes_max) + " bytes", std::to_string(text.size()));
  }
  Builder builder;
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) {
    return fail(Code::JSON, "", builder.expected, builder.got);
  }
  return std::move(builder.result);
}

std::string write_json(const Json& value, int indent) {
  return convert(value).dump(indent > 0 ? indent : -1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

Json error_json(const Error& error) {
  return Json::object({{"error", Json::object({{"code", error_class(error)},
                                               {"check", code_info(error.code).sentence},
                                               {"subject", error.subject},
                                               {"expected", error.expected},
                                               {"got", error.got},
                                               {"next", code_info(error.code).next}})}});
}

}  // namespace cages
