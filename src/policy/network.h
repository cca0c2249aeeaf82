// SPDX-License-Identifier: Apache-2.0
// Network: an address and how many of its bits count. For allow-lists and for a host's own ranges. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/ip.h"
#include "base/result.h"

namespace cages::policy {

struct Network {
  IpAddress address;
  unsigned prefix_bits = 0;
  // contains: never across families; a v4-mapped address is IPv6.
  [[nodiscard]] bool contains(const IpAddress& other) const;
  friend bool operator==(const Network&, const Network&) = default;
};

// parse_network reads "192.0.2.0/24", "2001:db8::/32", "[2001:db8::]/32", or an address alone; EGRESS_ENTRY with what is
// wrong, bits behind the prefix included. write_network is its canonical form, IPv6 in brackets.
Result<Network> parse_network(std::string_view text);
std::string write_network(const Network& network);

}  // namespace cages::policy
