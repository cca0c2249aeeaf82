// SPDX-License-Identifier: Apache-2.0
// Destination: an address that a host may dial for a cage. What a name resolves to is whatever its owner's DNS says, so the
// address is judged after resolving: no private, loopback, link-local, metadata or otherwise special range (IANA's
// special-purpose registries), unless the host's operator allows it. Pure. For cage-host.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/allow_list.h"

namespace cages::policy {

// Only DestinationPolicy makes one, and only from a Permit.
class Destination {
 public:
  [[nodiscard]] const IpAddress& address() const { return address_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  friend class DestinationPolicy;
  Destination(const IpAddress& address, std::uint16_t port) : address_(address), port_(port) {}
  IpAddress address_;
  std::uint16_t port_;
};

class DestinationPolicy {
 public:
  // make takes the ranges that the operator allows beside the public ones; EGRESS_ENTRY for one that cannot be read, LIMIT
  // above kEgressRangesMax. A metadata service needs its exact address as an entry of its own: no wider range reaches it.
  static Result<DestinationPolicy> make(const std::vector<std::string>& allowed_ranges);

  // admit: EGRESS_ADDRESS, got = which range. `address` is what the permit's name resolved to, or the permit's own.
  [[nodiscard]] Result<Destination> admit(const Permit& permit, const IpAddress& address) const;
  // forbidden names the range that keeps `address` from being dialled; empty where nothing does.
  [[nodiscard]] std::string_view forbidden(const IpAddress& address) const;

 private:
  struct Range {
    Network network;
    std::string_view name;
  };
  DestinationPolicy() = default;
  [[nodiscard]] bool allowed(const IpAddress& address) const;
  [[nodiscard]] bool allowed_exactly(const IpAddress& address) const;
  [[nodiscard]] std::string_view special(const IpAddress& address) const;
  // metadata: a metadata service that the operator did not allow by its exact address.
  [[nodiscard]] bool metadata(const IpAddress& address) const;
  // forbidden_inside is `forbidden` of the IPv4 address that an IPv6 one leads to.
  [[nodiscard]] std::string_view forbidden_inside(const IpAddress& address) const;

  std::vector<Network> allowed_;
  std::vector<IpAddress> metadata_;
  std::vector<Network> reachable_;  // globally reachable parts of special ranges
  std::vector<Range> special_;
};

}  // namespace cages::policy
