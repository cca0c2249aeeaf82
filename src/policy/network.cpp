// SPDX-License-Identifier: Apache-2.0
#include "policy/network.h"

#include <charconv>
#include <optional>

namespace cages::policy {
namespace {

bool bit(const IpAddress& address, unsigned i) { return (address.bytes[i / 8] >> (7 - i % 8) & 1) != 0; }

unsigned width(const IpAddress& address) { return address.v6 ? 128 : 32; }

std::optional<unsigned> prefix(std::string_view text, unsigned max) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value > max) return std::nullopt;
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return value;
}

}  // namespace

bool Network::contains(const IpAddress& other) const {
  if (address.v6 != other.v6) return false;
  for (unsigned i = 0; i < prefix_bits; ++i) {
    if (bit(address, i) != bit(other, i)) return false;
  }
  return true;
}

Result<Network> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  std::string_view host = text.substr(0, slash);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto address = parse_ip(host);
  if (!address) return fail(Code::EGRESS_ENTRY, printable(text), "an address", printable(host));
  Network network{*address, width(*address)};
  if (slash == std::string_view::npos) return network;
  const auto bits = prefix(text.substr(slash + 1), width(*address));
  if (!bits) {
    return fail(Code::EGRESS_ENTRY, printable(text), "a prefix of 0 to " + std::to_string(width(*address)),
                printable(text.substr(slash + 1)));
  }
  for (unsigned i = *bits; i < width(*address); ++i) {
    if (bit(*address, i)) return fail(Code::EGRESS_ENTRY, printable(text), "zero bits behind the prefix", "others");
  }
  network.prefix_bits = *bits;
  return network;
}

std::string write_network(const Network& network) {
  std::string text = network.address.v6 ? "[" + write_ip(network.address) + "]" : write_ip(network.address);
  if (network.prefix_bits != width(network.address)) text += "/" + std::to_string(network.prefix_bits);
  return text;
}

}  // namespace cages::policy
