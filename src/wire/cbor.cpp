// SPDX-License-Identifier: Apache-2.0
#include "wire/cbor.h"

#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <vector>

#include "base/check.h"
#include "base/text.h"

namespace cages::wire {
namespace {

constexpr std::uint8_t kIndefinite = 31;
constexpr Byte kBreak = 0xff;

std::string_view name_of(CborType type) {
  constexpr std::array<std::string_view, 8> kNames{"unsigned integer", "negative integer", "byte string", "text string",
                                                   "array",            "map",              "tag",         "simple value"};
  return kNames.at(static_cast<std::size_t>(type));
}

}  // namespace

// RFC 8949 §3: one head. Indefinite lengths come back with info 31 and are judged by the caller.
Result<CborReader::Head> CborReader::head() const {
  if (at_end()) return fail(Code::CBOR, "", "an item", "the end at byte " + std::to_string(position_));
  const Byte first = input_[position_];
  Head result{static_cast<CborType>(first >> 5), static_cast<std::uint8_t>(first & 31), 0, 1};
  if (result.info < 24) {
    result.value = result.info;
    return result;
  }
  if (result.info == kIndefinite) {
    if (result.type == CborType::unsigned_int || result.type == CborType::negative_int || result.type == CborType::tag) {
      return fail(Code::CBOR, "", "a number", "indefinite");
    }
    return result;
  }
  if (result.info > 27) {
    return fail(Code::CBOR, "", "additional information below 28", std::to_string(result.info));
  }
  const std::size_t length = std::size_t{1} << (result.info - 24);
  if (input_.size() - position_ - 1 < length) return fail(Code::CBOR, "", "a whole head", "the end");
  for (std::size_t i = 0; i < length; ++i) result.value = result.value << 8 | input_[position_ + 1 + i];
  result.bytes = 1 + length;
  if (result.type != CborType::simple) {
    const std::uint64_t least = length == 1 ? 24 : std::uint64_t{1} << (length * 4);
    if (!CAGES_CHECK("NON_MINIMAL", result.value >= least)) {
      return fail(Code::NON_MINIMAL, "", "the shortest head", std::to_string(length) + " bytes");
    }
  }
  return result;
}

Result<CborType> CborReader::peek() const {
  TRY_ASSIGN(const Head next, head());
  return next.type;
}

Result<CborReader::Head> CborReader::take(CborType type, std::string_view what) {
  TRY_ASSIGN(const Head next, head());
  if (next.type != type) {
    if (!at_end() && input_[position_] == kBreak) return fail(Code::CBOR, std::string(what), "an item", "a break");
    return fail(Code::TYPE, std::string(what), std::string(name_of(type)), std::string(name_of(next.type)));
  }
  position_ += next.bytes;
  return next;
}

Result<std::uint64_t> CborReader::read_uint(std::string_view what) {
  TRY_ASSIGN(const Head next, take(CborType::unsigned_int, what));
  if (next.info == kIndefinite) return fail(Code::CBOR, std::string(what), "a length", "indefinite");
  return next.value;
}

Result<std::int64_t> CborReader::read_int(std::string_view what) {
  TRY_ASSIGN(const CborType type, peek());
  const bool negative = type == CborType::negative_int;
  TRY_ASSIGN(const Head next, take(negative ? CborType::negative_int : CborType::unsigned_int, what));
  if (next.info == kIndefinite || next.value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return fail(Code::CBOR, std::string(what), "a 64-bit integer", "more");
  }
  const auto value = static_cast<std::int64_t>(next.value);
  return negative ? -1 - value : value;
}

Result<ByteView> CborReader::string(CborType type, std::string_view what) {
  TRY_ASSIGN(const Head next, take(type, what));
  if (!CAGES_CHECK("INDEFINITE_STRING", next.info != kIndefinite)) {
    return fail(Code::INDEFINITE_STRING, std::string(what), "one piece", "chunks");
  }
  if (next.value > input_.size() - position_) {
    return fail(Code::CBOR, std::string(what), std::to_string(next.value) + " bytes", "the end");
  }
  const ByteView value = input_.subspan(position_, static_cast<std::size_t>(next.value));
  position_ += value.size();
  return value;
}

Result<ByteView> CborReader::read_bytes(std::string_view what) { return string(CborType::bytes, what); }

Result<void> CborReader::read_key(std::uint64_t key) {
  TRY_ASSIGN(const std::uint64_t got, read_uint("key"));
  if (got == key) return {};
  return fail(Code::UNKNOWN_KEY, "", std::to_string(key), std::to_string(got));
}

Result<std::string_view> CborReader::read_text(std::string_view what) {
  TRY_ASSIGN(const ByteView value, string(CborType::text, what));
  if (!valid_utf8(as_text(value))) return fail(Code::CBOR, std::string(what), "UTF-8", "other bytes");
  return as_text(value);
}

Result<bool> CborReader::read_bool(std::string_view what) {
  TRY_ASSIGN(const Head next, take(CborType::simple, what));
  if (next.info != 20 && next.info != 21) return fail(Code::TYPE, std::string(what), "true or false", "another value");
  return next.info == 21;
}

Result<std::uint64_t> CborReader::read_array(std::string_view what) {
  TRY_ASSIGN(const Head next, take(CborType::array, what));
  if (!CAGES_CHECK("INDEFINITE_INNER", next.info != kIndefinite)) {
    return fail(Code::INDEFINITE_INNER, std::string(what), "a definite length", "indefinite");
  }
  if (next.value > input_.size() - position_) {
    return fail(Code::CBOR, std::string(what), "no more items than bytes", std::to_string(next.value));
  }
  return next.value;
}

Result<CborCount> CborReader::read_open_map(std::string_view what) {
  TRY_ASSIGN(const Head next, take(CborType::map, what));
  if (next.info == kIndefinite) return CborCount{std::nullopt};
  if (next.value > (input_.size() - position_) / 2) {
    return fail(Code::CBOR, std::string(what), "no more pairs than bytes", std::to_string(next.value));
  }
  return CborCount{next.value};
}

Result<std::uint64_t> CborReader::read_map(std::string_view what) {
  TRY_ASSIGN(const CborCount count, read_open_map(what));
  if (!CAGES_CHECK("INDEFINITE_INNER", count.items)) {
    return fail(Code::INDEFINITE_INNER, std::string(what), "a definite length", "indefinite");
  }
  return count.items.value_or(0);
}

Result<bool> CborReader::more_in(const CborCount& count, std::uint64_t seen) {
  if (count.items) return seen < *count.items;
  if (at_end()) return fail(Code::CBOR, "", "a break", "the end");
  if (input_[position_] != kBreak) return true;
  ++position_;
  return false;
}

Result<std::uint64_t> CborReader::read_tag() {
  TRY_ASSIGN(const Head next, take(CborType::tag, "tag"));
  if (next.info == kIndefinite) return fail(Code::CBOR, "tag", "a number", "indefinite");
  return next.value;
}

bool CborReader::try_null() {
  if (at_end() || input_[position_] != 0xf6) return false;
  ++position_;
  return true;
}

Result<void> CborReader::skip() {
  struct Level {
    std::uint64_t left;               // items still to come
    bool map;
    std::set<std::string_view> keys;  // a map's, encoded: heads are minimal, so equal keys have equal encodings
  };
  std::vector<Level> levels;
  do {
    TRY_ASSIGN(const Head next, head());
    Level* const level = levels.empty() ? nullptr : &levels.back();
    const bool is_key = level != nullptr && level->map && level->left % 2 == 0;
    const std::size_t start = position_;
    if (level != nullptr) --level->left;
    switch (next.type) {
      case CborType::unsigned_int: TRY(read_uint("item")); break;
      case CborType::negative_int: TRY(take(CborType::negative_int, "item")); break;
      case CborType::bytes: TRY(read_bytes("item")); break;
      case CborType::text: TRY(read_text("item")); break;
      case CborType::array:
      case CborType::map: {
        if (is_key) return fail(Code::CBOR, "key", "a scalar", "an array or map");
        const bool map = next.type == CborType::map;
        TRY_ASSIGN(const std::uint64_t count, map ? read_map("item") : read_array("item"));
        if (!CAGES_CHECK("DEPTH", levels.size() + 1 < limits::kCborDepthMax)) {
          return fail(Code::DEPTH, "", "at most " + std::to_string(limits::kCborDepthMax) + " levels", "more");
        }
        levels.push_back(Level{map ? count * 2 : count, map, {}});
        break;
      }
      case CborType::tag: return fail(Code::CBOR, "", "no tag", "tag " + std::to_string(next.value));
      case CborType::simple:
        // false, true and null only: no floats, no undefined, no break here.
        if (next.info < 20 || next.info > 22) return fail(Code::CBOR, "", "false, true or null", "another simple value");
        ++position_;
        break;
    }
    if (is_key && !CAGES_CHECK("DUPLICATE_KEY", level->keys.insert(as_text(input_.subspan(start, position_ - start))).second)) {
      return fail(Code::DUPLICATE_KEY, printable(as_text(input_.subspan(start + next.bytes, position_ - start - next.bytes))),
                  "once", "twice");
    }
    while (!levels.empty() && levels.back().left == 0) levels.pop_back();
  } while (!levels.empty());
  return {};
}

Result<void> CborReader::finish() const {
  if (at_end()) return {};
  return fail(Code::TRAILING_BYTES, "", "the end at byte " + std::to_string(position_),
              std::to_string(input_.size() - position_) + " more bytes");
}

void CborWriter::head(CborType type, std::uint64_t value) {
  const auto major = static_cast<Byte>(static_cast<unsigned>(type) << 5);
  if (value < 24) {
    out_.push_back(static_cast<Byte>(major | value));
    return;
  }
  const unsigned power = value <= 0xff ? 0 : value <= 0xffff ? 1 : value <= 0xffffffff ? 2 : 3;
  out_.push_back(static_cast<Byte>(major | (24 + power)));
  for (unsigned i = 1U << power; i > 0; --i) out_.push_back(static_cast<Byte>(value >> (8 * (i - 1))));
}

CborWriter& CborWriter::uint(std::uint64_t value) {
  head(CborType::unsigned_int, value);
  return *this;
}

CborWriter& CborWriter::integer(std::int64_t value) {
  if (value >= 0) return uint(static_cast<std::uint64_t>(value));
  head(CborType::negative_int, static_cast<std::uint64_t>(-1 - value));
  return *this;
}

CborWriter& CborWriter::bytes(ByteView value) {
  head(CborType::bytes, value.size());
  append(out_, value);
  return *this;
}

CborWriter& CborWriter::text(std::string_view value) {
  head(CborType::text, value.size());
  append(out_, as_bytes(value));
  return *this;
}

CborWriter& CborWriter::array(std::uint64_t count) {
  head(CborType::array, count);
  return *this;
}

CborWriter& CborWriter::map(std::uint64_t pairs) {
  head(CborType::map, pairs);
  return *this;
}

CborWriter& CborWriter::null() {
  out_.push_back(0xf6);
  return *this;
}

CborWriter& CborWriter::boolean(bool value) {
  out_.push_back(value ? 0xf5 : 0xf4);
  return *this;
}

CborWriter& CborWriter::raw(ByteView encoded) {
  append(out_, encoded);
  return *this;
}

}  // namespace cages::wire
