// SPDX-License-Identifier: Apache-2.0
// IpAddress: an IPv4 or IPv6 address as bytes, and its text. For every part; sockets are net/tcp.h.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace cages {

// In network byte order, the first 4 bytes or all 16 (the others are zero); a v4-mapped IPv6 address is kept as IPv6 and
// judged as such.
struct IpAddress {
  std::array<Byte, 16> bytes{};
  bool v6 = false;
  [[nodiscard]] ByteView view() const { return ByteView(bytes).first(v6 ? 16 : 4); }
  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

// ip_from takes the 4 or 16 bytes of an address; none where there are more or fewer.
std::optional<IpAddress> ip_from(ByteView bytes);
// parse_ip reads a dotted quad or RFC 4291 text (no zone, no brackets, no leading zeros in a quad); none where neither.
std::optional<IpAddress> parse_ip(std::string_view text);
// write_ip writes RFC 5952 text.
std::string write_ip(const IpAddress& address);

}  // namespace cages
