// SPDX-License-Identifier: Apache-2.0
// The metadata of encrypted strings: the corner of msgpack that clients write. A map of at most three known keys.
#include <algorithm>

#include "wire/ev_string.h"

namespace cages::wire {
namespace {

constexpr std::string_view kRole = "dr";
constexpr std::string_view kOrigin = "eo";
constexpr std::string_view kTime = "et";

class MsgpackReader {
 public:
  explicit MsgpackReader(ByteView bytes) : rest_(bytes) {}
  [[nodiscard]] bool empty() const { return rest_.empty(); }

  Result<std::size_t> read_map() {
    TRY_ASSIGN(const Byte head, take_byte());
    if ((head & 0xf0) != 0x80) return bad("a map of at most 15 pairs");
    return static_cast<std::size_t>(head & 0x0f);
  }

  // fixstr or str 8.
  Result<std::string_view> read_text() {
    TRY_ASSIGN(const Byte head, take_byte());
    std::size_t length = head & 0x1f;
    if (head == 0xd9) {
      TRY_ASSIGN(length, take_byte());
    } else if ((head & 0xe0) != 0xa0) {
      return bad("a text");
    }
    TRY_ASSIGN(const ByteView bytes, take(length));
    return as_text(bytes);
  }

  // A positive integer of at most 32 bits, in any width that holds it: clients differ.
  Result<std::uint32_t> read_number() {
    TRY_ASSIGN(const Byte head, take_byte());
    if (head < 0x80) return std::uint32_t{head};
    std::size_t width = 0;
    if (head >= 0xcc && head <= 0xcf) width = std::size_t{1} << (head - 0xcc);
    if (head >= 0xd0 && head <= 0xd3) width = std::size_t{1} << (head - 0xd0);
    if (width == 0) return bad("a number");
    TRY_ASSIGN(const ByteView bytes, take(width));
    std::uint64_t value = 0;
    for (const Byte byte : bytes) value = value << 8 | byte;
    const bool negative = head >= 0xd0 && (bytes[0] & 0x80) != 0;
    if (negative || value > 0xffff'ffff) return bad("a number from 0 to 2^32 - 1");
    return static_cast<std::uint32_t>(value);
  }

 private:
  static std::unexpected<Error> bad(std::string expected) {
    return fail(Code::EV_FORMAT, "metadata", std::move(expected), "another");
  }
  Result<ByteView> take(std::size_t count) {
    if (count > rest_.size()) return bad("what it announces");
    const ByteView taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  Result<Byte> take_byte() {
    TRY_ASSIGN(const ByteView one, take(1));
    return one[0];
  }

  ByteView rest_;
};

void append_text(Bytes& to, std::string_view text) {
  to.push_back(static_cast<Byte>(0xa0 | text.size()));  // at most 31 bytes: keys and roles are
  append(to, as_bytes(text));
}

void append_number(Bytes& to, std::uint32_t value) {
  if (value < 0x80) {
    to.push_back(static_cast<Byte>(value));
    return;
  }
  to.push_back(0xce);
  for (const int shift : {24, 16, 8, 0}) to.push_back(static_cast<Byte>(value >> shift));
}

Result<void> read_pair(MsgpackReader& reader, EvMetadata& into, std::vector<std::string_view>& seen) {
  TRY_ASSIGN(const std::string_view key, reader.read_text());
  if (std::ranges::find(seen, key) != seen.end())
    return fail(Code::EV_FORMAT, "metadata", "each key once", printable(key));
  seen.push_back(key);
  if (key == kOrigin) {
    TRY_ASSIGN(into.origin, reader.read_number());
  } else if (key == kTime) {
    TRY_ASSIGN(into.sealed_at, reader.read_number());
  } else if (key == kRole) {
    TRY_ASSIGN(const std::string_view role, reader.read_text());
    if (!valid_role(role)) return fail(Code::EV_FORMAT, "role", "[a-z0-9-]{1,20}", printable(role));
    into.role = std::string(role);
  } else {
    return fail(Code::EV_FORMAT, "metadata", "dr, eo or et", printable(key));
  }
  return {};
}

}  // namespace

bool valid_role(std::string_view text) {
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !text.empty() && text.size() <= kEvRoleBytesMax && std::ranges::all_of(text, good);
}

Bytes write_ev_metadata(const EvMetadata& metadata) {
  Bytes map{static_cast<Byte>(metadata.role ? 0x83 : 0x82)};
  if (metadata.role) {
    append_text(map, kRole);
    append_text(map, *metadata.role);
  }
  append_text(map, kOrigin);
  append_number(map, metadata.origin);
  append_text(map, kTime);
  append_number(map, metadata.sealed_at);
  Bytes out{static_cast<Byte>(map.size()), static_cast<Byte>(map.size() >> 8)};
  append(out, map);
  return out;
}

Result<std::pair<EvMetadata, std::size_t>> parse_ev_metadata(ByteView plain) {
  constexpr std::size_t kPrefix = 2;
  if (plain.size() < kPrefix) return fail(Code::EV_FORMAT, "metadata", "its length", "the end");
  const std::size_t length = plain[0] | std::size_t{plain[1]} << 8;
  if (length > plain.size() - kPrefix)
    return fail(Code::EV_FORMAT, "metadata", std::to_string(length) + " bytes", "fewer");
  MsgpackReader reader(plain.subspan(kPrefix, length));
  EvMetadata metadata;
  std::vector<std::string_view> seen;
  TRY_ASSIGN(const std::size_t pairs, reader.read_map());
  for (std::size_t i = 0; i < pairs; ++i) TRY(read_pair(reader, metadata, seen));
  if (!reader.empty()) return fail(Code::EV_FORMAT, "metadata", "nothing after its map", "more bytes");
  return std::pair{std::move(metadata), kPrefix + length};
}

}  // namespace cages::wire
