// SPDX-License-Identifier: Apache-2.0
// DNS names (RFC 1035 §3.1, §4.1.4) between wire form and text, and the reader that takes a message apart. For
// wire/dns.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace cages::wire::dns {

// Reads a message from its start; names may point back into it. Once a read does not fit, every later one fails.
class Reader {
 public:
  explicit Reader(ByteView message) : message_(message) {}
  Result<std::uint8_t> u8();
  Result<std::uint16_t> u16();
  Result<std::uint32_t> u32();
  Result<ByteView> take(std::size_t count);
  // untrusted: name reads one name as lower-case text without the last dot; the root is "". A label's bytes are visible
  // ASCII other than "." and "\": DNS on any other (NUL, space, 8 bits), on a label above 63, a name above 255 octets,
  // or a pointer that does not point before the name that it is in.
  Result<std::string> name();
  // plain_name: the same, where no pointer may be (questions).
  Result<std::string> plain_name();
  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] std::size_t left() const { return message_.size() - at_; }
  [[nodiscard]] ByteView between(std::size_t from, std::size_t to) const { return message_.subspan(from, to - from); }

 private:
  Result<std::string> read_name(bool pointers);
  ByteView message_;
  std::size_t at_ = 0;
};

void put_u16(Bytes& out, std::uint16_t value);
void put_u32(Bytes& out, std::uint32_t value);
// put_name writes a name as name() gave it, or a normal host name, without compression.
void put_name(Bytes& out, std::string_view name);

}  // namespace cages::wire::dns
