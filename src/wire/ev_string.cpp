// SPDX-License-Identifier: Apache-2.0
#include "wire/ev_string.h"

#include <algorithm>
#include <tuple>
#include <vector>

#include "base/limits.h"

namespace cages::wire {
namespace {

constexpr std::string_view kBegin = "ev:";
constexpr std::string_view kEnd = ":$";
constexpr std::size_t kVersionChars = 4;
constexpr std::size_t kIvChars = 16;
constexpr std::size_t kPointChars = 44;
constexpr std::size_t kFieldsMax = 6;

struct VersionRow {
  std::string_view text;
  EvVersion version;
  EvCurve curve;
  bool metadata;
};
constexpr std::array kVersions{
    VersionRow{"RFVC", EvVersion::dub, EvCurve::secp256k1, false},
    VersionRow{"S0lS", EvVersion::kir, EvCurve::secp256k1, true},
    VersionRow{"Tk9D", EvVersion::noc, EvCurve::p256, false},
    VersionRow{"QkTC", EvVersion::p256_role, EvCurve::p256, true},
};

const VersionRow& row_of(EvVersion version) { return *std::ranges::find(kVersions, version, &VersionRow::version); }

struct TypeRow {
  std::string_view text;
  EvType type;
};
constexpr std::array kTypes{TypeRow{"string", EvType::string}, TypeRow{"number", EvType::number},
                            TypeRow{"boolean", EvType::boolean}};

std::optional<EvType> type_of(std::string_view text) {
  const auto row = std::ranges::find(kTypes, text, &TypeRow::text);
  if (row == kTypes.end()) return {};
  return row->type;
}

std::vector<std::string_view> fields_of(std::string_view inner) {
  std::vector<std::string_view> fields;
  while (fields.size() <= kFieldsMax) {
    const std::size_t colon = inner.find(':');
    fields.push_back(inner.substr(0, colon));
    if (colon == std::string_view::npos) break;
    inner.remove_prefix(colon + 1);
  }
  return fields;
}

// RFC 4648 §4 without the padding that it asks for.
Result<Bytes> parse_unpadded(std::string_view text, std::string_view field) {
  std::string padded(text);
  padded.append((4 - padded.size() % 4) % 4, '=');
  auto bytes = parse_base64(padded);
  if (!bytes || text.ends_with('='))
    return fail(Code::EV_FORMAT, std::string(field), "base64 without padding", "another");
  return bytes;
}

std::string write_unpadded(ByteView bytes) {
  std::string text = base64(bytes);
  text.resize(text.find_last_not_of('=') + 1);
  return text;
}

template <std::size_t N>
Result<void> read_fixed(std::string_view text, std::string_view field, std::array<Byte, N>& into) {
  TRY_ASSIGN(const Bytes bytes, parse_unpadded(text, field));
  if (bytes.size() != N) {
    return fail(Code::EV_FORMAT, std::string(field), std::to_string(N) + " bytes", std::to_string(bytes.size()));
  }
  std::ranges::copy(bytes, into.begin());
  return {};
}

// Takes version and type off the front of the fields; what is left must be IV, ephemeral key and sealed bytes.
Result<std::pair<EvVersion, EvType>> read_kind(std::vector<std::string_view>& fields) {
  const auto take_first = [&fields] { fields.erase(fields.begin()); };
  if (fields.front() == "debug") return fail(Code::EV_VERSION, "debug", "a value that is encrypted", "a debug string");
  EvVersion version = EvVersion::dub;
  if (fields.front().size() == kVersionChars) {
    const auto row = std::ranges::find(kVersions, fields.front(), &VersionRow::text);
    if (row == kVersions.end())
      return fail(Code::EV_VERSION, "version", "RFVC, S0lS, Tk9D or QkTC", printable(fields.front()));
    version = row->version;
    take_first();
  }
  EvType type = EvType::string;
  if (!fields.empty()) {
    if (const auto named = type_of(fields.front())) {
      type = *named;
      take_first();
    }
  }
  return std::pair{version, type};
}

}  // namespace

EvCurve curve_of(EvVersion version) { return row_of(version).curve; }
bool has_metadata(EvVersion version) { return row_of(version).metadata; }

bool looks_like_ev(std::string_view text) {
  return text.size() <= limits::kEvStringBytesMax && text.starts_with(kBegin) && text.ends_with(kEnd) &&
         text.size() >= kBegin.size() + kIvChars + kPointChars + kEnd.size();
}

Result<EvString> parse_ev(std::string_view text) {
  if (text.size() > limits::kEvStringBytesMax) {
    return fail(Code::LIMIT, "encrypted string", std::to_string(limits::kEvStringBytesMax) + " bytes",
                std::to_string(text.size()));
  }
  if (!text.starts_with(kBegin) || !text.ends_with(kEnd) || text.size() < kBegin.size() + kEnd.size()) {
    return fail(Code::EV_FORMAT, "", "ev:…:$", printable(text, 16));
  }
  text.remove_prefix(kBegin.size());
  text.remove_suffix(kEnd.size());
  std::vector<std::string_view> fields = fields_of(text);
  EvString value;
  TRY_ASSIGN(std::tie(value.version, value.type), read_kind(fields));
  if (fields.size() != 3)
    return fail(Code::EV_FORMAT, "fields", "IV, key and sealed bytes", std::to_string(fields.size()));
  TRY(read_fixed(fields[0], "IV", value.iv));
  TRY(read_fixed(fields[1], "key", value.ephemeral));
  TRY_ASSIGN(value.sealed, parse_unpadded(fields[2], "sealed bytes"));
  if (value.sealed.size() < kEvTagBytes) {
    return fail(Code::EV_FORMAT, "sealed bytes", "a tag of 16 bytes", std::to_string(value.sealed.size()) + " bytes");
  }
  return value;
}

std::string write_ev(const EvString& value) {
  std::string text(kBegin);
  text += row_of(value.version).text;
  text += ':';
  if (value.type != EvType::string) {
    text += std::ranges::find(kTypes, value.type, &TypeRow::type)->text;
    text += ':';
  }
  text += write_unpadded(value.iv) + ":" + write_unpadded(value.ephemeral) + ":" + write_unpadded(value.sealed);
  return text.append(kEnd);
}

}  // namespace cages::wire
