// SPDX-License-Identifier: Apache-2.0
#include "crypto/ev_json.h"

namespace cages::crypto {
namespace {

std::unexpected<Error> too_many(std::size_t leaves_max) {
  return fail(Code::LIMIT, "leaves", std::to_string(leaves_max), "more");
}

// RFC 6901 §3: "~" and "/" inside a name.
std::string escaped(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

// each_leaf calls `act` with every value that is no container, and its path. parse_json bounds the depth.
template <class Act>
Result<void> each_leaf(Json& json, const std::string& path, Act& act) {
  if (Json::Array* items = json.as_array()) {
    for (std::size_t i = 0; i < items->size(); ++i) TRY(each_leaf((*items)[i], path + "/" + std::to_string(i), act));
    return {};
  }
  if (Json::Object* members = json.as_object()) {
    for (auto& [name, value] : *members) TRY(each_leaf(value, path + "/" + escaped(name), act));
    return {};
  }
  return act(json, path);
}

struct LeafText {
  wire::EvType type;
  std::string text;
};

LeafText text_of(const Json& leaf) {
  if (const std::string* text = leaf.as_string()) return {wire::EvType::string, *text};
  return {leaf.as_bool() != nullptr ? wire::EvType::boolean : wire::EvType::number, write_json(leaf)};
}

void wipe_text(std::string& text) { wipe({reinterpret_cast<Byte*>(text.data()), text.size()}); }

}  // namespace

Result<void> seal_leaves(Json& json, const EvSealer& sealer, const std::optional<wire::EvMetadata>& metadata,
                         std::size_t leaves_max) {
  std::size_t count = 0;
  const auto act = [&](Json& leaf, const std::string&) -> Result<void> {
    if (++count > leaves_max) return too_many(leaves_max);
    if (leaf.is_null()) return {};
    LeafText plain = text_of(leaf);
    auto sealed = sealer.seal(plain.type, as_bytes(plain.text), metadata);
    wipe_text(plain.text);
    if (!sealed) return fail(std::move(sealed).error());
    wipe_texts(leaf);
    leaf = Json(wire::write_ev(*sealed));
    return {};
  };
  return each_leaf(json, "", act);
}

Result<std::vector<SealedLeaf>> sealed_leaves(Json& json, std::size_t leaves_max) {
  std::vector<SealedLeaf> found;
  std::size_t count = 0;
  const auto act = [&](Json& leaf, const std::string& path) -> Result<void> {
    if (++count > leaves_max) return too_many(leaves_max);
    if (leaf.as_string() != nullptr && wire::looks_like_ev(*leaf.as_string())) found.push_back({&leaf, path});
    return {};
  };
  TRY(each_leaf(json, "", act));
  return found;
}

Result<void> put_opened(Json& leaf, wire::EvType type, const Secret& value) {
  const std::string_view text = as_text(value.reveal());
  if (type == wire::EvType::string) {
    leaf = Json(text);
    return {};
  }
  auto parsed = parse_json(text);
  const bool number = parsed && (parsed->as_int() != nullptr || parsed->as_double() != nullptr);
  const bool fits = parsed && (type == wire::EvType::boolean ? parsed->as_bool() != nullptr : number);
  if (!fits)
    return fail(Code::EV_FORMAT, "value", type == wire::EvType::boolean ? "a JSON boolean" : "a JSON number",
                "another text");
  leaf = std::move(*parsed);
  return {};
}

void wipe_texts(Json& json) {
  if (Json::Array* items = json.as_array()) {
    for (Json& item : *items) wipe_texts(item);
  } else if (Json::Object* members = json.as_object()) {
    for (auto& [name, value] : *members) wipe_texts(value);
  } else if (std::string* text = json.as_string()) {
    wipe_text(*text);
  }
}

}  // namespace cages::crypto
