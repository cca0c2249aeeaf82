// SPDX-License-Identifier: Apache-2.0
#include "policy/destination.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/check.h"
#include "base/limits.h"

namespace cages::policy {
namespace {

struct Row {
  std::string_view network;
  std::string_view name;
};

// Where clouds and orchestrators hand out credentials and settings of the machine to whoever asks from it.
constexpr std::array<std::string_view, 9> kMetadata{
    "169.254.169.254",  // AWS, Azure, Google, OpenStack, …
    "fd00:ec2::254",    // AWS
    "169.254.170.2",    // ECS task credentials
    "169.254.170.23",   // EKS pod identity
    "fd00:ec2::23",     // EKS pod identity
    "fd20:ce::254",     // Google
    "168.63.129.16",    // Azure's wire server, a public address
    "100.100.100.200",  // Alibaba
    "192.0.0.192",      // Oracle
};

// IANA IPv4 and IPv6 Special-Purpose Address Registries: rows that are not globally reachable, and multicast.
constexpr std::array kSpecial{
    Row{"0.0.0.0/8", "this network"},
    Row{"10.0.0.0/8", "private use"},
    Row{"100.64.0.0/10", "shared address space"},
    Row{"127.0.0.0/8", "loopback"},
    Row{"169.254.0.0/16", "link local"},
    Row{"172.16.0.0/12", "private use"},
    Row{"192.0.0.0/24", "IETF protocol assignments"},
    Row{"192.0.2.0/24", "documentation"},
    Row{"192.88.99.0/24", "6to4 relay anycast"},
    Row{"192.168.0.0/16", "private use"},
    Row{"198.18.0.0/15", "benchmarking"},
    Row{"198.51.100.0/24", "documentation"},
    Row{"203.0.113.0/24", "documentation"},
    Row{"224.0.0.0/4", "multicast"},
    Row{"255.255.255.255/32", "broadcast"},
    Row{"240.0.0.0/4", "reserved"},
    Row{"::/128", "unspecified"},
    Row{"::1/128", "loopback"},
    Row{"64:ff9b:1::/48", "local-use NAT64"},
    Row{"100::/64", "discard only"},
    Row{"2001::/23", "IETF protocol assignments"},
    Row{"2001:db8::/32", "documentation"},
    Row{"3fff::/20", "documentation"},
    Row{"5f00::/16", "segment routing"},
    Row{"fc00::/7", "unique local"},
    Row{"fe80::/10", "link local"},
    Row{"ff00::/8", "multicast"},
};
constexpr std::array<std::string_view, 8> kReachable{
    "192.0.0.9",     "192.0.0.10",        // PCP and TURN anycast (RFC 7723, RFC 8155)
    "2001:1::1",     "2001:1::2",  "2001:1::3",
    "2001:3::/32",   "2001:4:112::/48",   // AMT, AS112
    "2001:20::/27",                       // ORCHIDv2 and DRIP, beside each other
};
constexpr std::string_view kMapped = "::ffff:0:0/96";
constexpr std::string_view kGlobalUnicast = "2000::/3";
constexpr std::string_view kNat64 = "64:ff9b::/96";
constexpr std::string_view k6to4 = "2002::/16";

Network fixed(std::string_view text) { return parse_network(text).value(); }

IpAddress v4_at(const IpAddress& address, std::size_t offset) { return *ip_from(address.view().subspan(offset, 4)); }

// The IPv4 address that a translator or tunnel would go on to (RFC 6052 §2.1, RFC 3056 §2).
std::optional<IpAddress> embedded(const IpAddress& address) {
  if (fixed(kNat64).contains(address)) return v4_at(address, 12);
  if (fixed(k6to4).contains(address)) return v4_at(address, 2);
  return std::nullopt;
}

}  // namespace

Result<DestinationPolicy> DestinationPolicy::make(const std::vector<std::string>& allowed_ranges) {
  if (allowed_ranges.size() > limits::kEgressRangesMax) {
    return fail(Code::LIMIT, "allow_ranges", "at most " + std::to_string(limits::kEgressRangesMax),
                std::to_string(allowed_ranges.size()));
  }
  DestinationPolicy policy;
  for (const std::string& text : allowed_ranges) {
    TRY_ASSIGN(const Network network, parse_network(text));
    policy.allowed_.push_back(network);
  }
  for (const std::string_view text : kMetadata) policy.metadata_.push_back(fixed(text).address);
  for (const std::string_view text : kReachable) policy.reachable_.push_back(fixed(text));
  for (const Row& row : kSpecial) policy.special_.push_back({fixed(row.network), row.name});
  return policy;
}

bool DestinationPolicy::allowed(const IpAddress& address) const {
  return std::ranges::any_of(allowed_, [&](const Network& network) { return network.contains(address); });
}

bool DestinationPolicy::allowed_exactly(const IpAddress& address) const {
  const unsigned whole = address.v6 ? 128 : 32;
  return std::ranges::find(allowed_, Network{address, whole}) != allowed_.end();
}

std::string_view DestinationPolicy::special(const IpAddress& address) const {
  if (std::ranges::any_of(reachable_, [&](const Network& network) { return network.contains(address); })) return {};
  for (const Range& range : special_) {
    if (range.network.contains(address)) return range.name;
  }
  if (address.v6 && !fixed(kGlobalUnicast).contains(address)) return "not global unicast";
  return {};
}

bool DestinationPolicy::metadata(const IpAddress& address) const {
  return std::ranges::find(metadata_, address) != metadata_.end() && !allowed_exactly(address);
}

std::string_view DestinationPolicy::forbidden_inside(const IpAddress& address) const {
  if (metadata(address)) return "metadata service";
  return allowed(address) ? std::string_view() : special(address);
}

std::string_view DestinationPolicy::forbidden(const IpAddress& address) const {
  // Nothing but a trick: the kernel would dial IPv4.
  if (fixed(kMapped).contains(address)) return "IPv4-mapped";
  if (!CAGES_CHECK("EGRESS_ADDRESS metadata", !metadata(address))) return "metadata service";
  if (const auto inner = embedded(address)) {
    const std::string_view why = forbidden_inside(*inner);
    return CAGES_CHECK("EGRESS_ADDRESS embedded", why.empty()) ? std::string_view() : why;
  }
  if (allowed(address)) return {};
  const std::string_view why = special(address);
  return CAGES_CHECK("EGRESS_ADDRESS special", why.empty()) ? std::string_view() : why;
}

Result<Destination> DestinationPolicy::admit(const Permit& permit, const IpAddress& address) const {
  const auto* named = std::get_if<IpAddress>(&permit.target());
  if (named != nullptr && *named != address) return fail(Code::EGRESS_ADDRESS, write_ip(address), write_ip(*named), "another");
  const std::string_view why = forbidden(address);
  if (!why.empty()) {
    return fail(Code::EGRESS_ADDRESS, write_ip(address), "a public address, or a range of [egress] allow_ranges", std::string(why));
  }
  return Destination(address, permit.port());
}

}  // namespace cages::policy
