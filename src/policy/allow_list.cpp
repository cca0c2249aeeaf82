// SPDX-License-Identifier: Apache-2.0
#include "policy/allow_list.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "base/check.h"
#include "base/limits.h"
#include "base/text.h"

namespace cages::policy {
namespace {

constexpr std::uint16_t kHttpsPort = 443;
constexpr std::size_t kNameCharactersMax = 253;
constexpr std::size_t kLabelCharactersMax = 63;
// Ports whose usual protocol is TLS from the first byte (IANA service names ending in "s").
constexpr std::array<std::uint16_t, 9> kTlsPorts{443, 465, 563, 636, 853, 989, 990, 993, 995};

bool digit(char c) { return c >= '0' && c <= '9'; }

bool label_character(char c) { return (c >= 'a' && c <= 'z') || digit(c) || c == '-' || c == '_'; }

bool valid_label(std::string_view label) {
  return !label.empty() && label.size() <= kLabelCharactersMax && std::ranges::all_of(label, label_character) &&
         label.front() != '-' && label.back() != '-';
}

std::optional<unsigned> number(std::string_view text, unsigned max) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value > max) return std::nullopt;
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return value;
}

struct Cut {
  std::string_view target;
  std::optional<std::string_view> ports;
};

// Cuts at the colon before the ports. IPv6 needs brackets to have ports: "[v6]:443", "[v6]/64:443".
Cut cut_ports(std::string_view text) {
  std::size_t colon = std::string_view::npos;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    colon = end == std::string_view::npos ? end : text.find(':', end);
  } else if (std::ranges::count(text, ':') == 1) {
    colon = text.find(':');
  }
  if (colon == std::string_view::npos) return {text, std::nullopt};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

}  // namespace

Result<std::string> normal_name(std::string_view text) {
  std::string name = ascii_lower(text);
  if (name.ends_with('.')) name.pop_back();
  if (name.empty() || name.size() > kNameCharactersMax) {
    return fail(Code::EGRESS_NAME, printable(text), "1 to 253 characters", std::to_string(name.size()));
  }
  for (const std::string_view label : split(name, '.')) {
    if (!valid_label(label)) {
      return fail(Code::EGRESS_NAME, printable(text), "labels of 1 to 63 letters, digits, - and _", printable(label));
    }
  }
  return name;
}

Result<void> AllowList::parse_ports(std::string_view text, std::string_view whole, Entry& entry) {
  if (text == "*") return {};
  for (const std::string_view part : split(text, ',')) {
    const auto port = number(part, 65535);
    if (!port || *port == 0) {
      return fail(Code::EGRESS_ENTRY, printable(whole), "ports from 1 to 65535 with commas, or *", printable(part));
    }
    entry.ports.push_back(static_cast<std::uint16_t>(*port));
  }
  std::ranges::sort(entry.ports);
  const auto repeats = std::ranges::unique(entry.ports);
  entry.ports.erase(repeats.begin(), repeats.end());
  return {};
}

Result<void> AllowList::parse_target(std::string_view text, Entry& entry) {
  const std::size_t slash = text.find('/');
  std::string_view host = text.substr(0, slash);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (parse_ip(host)) {
    TRY_ASSIGN(const Network network, parse_network(text));
    entry.text = write_network(network);
    entry.target = network;
    return {};
  }
  if (slash != std::string_view::npos) return fail(Code::EGRESS_ENTRY, printable(text), "an address before /", printable(host));
  Name name{};
  if (host.starts_with("*.")) {
    name.below_only = true;
    host.remove_prefix(2);
  }
  auto normal = normal_name(host);
  if (!normal) return fail(Code::EGRESS_ENTRY, printable(text), normal.error().expected, normal.error().got);
  name.name = *std::move(normal);
  // "10.0.0.300" is a mistyped address, not a name: no top-level domain is a number.
  if (std::ranges::all_of(split(name.name, '.').back(), digit)) {
    return fail(Code::EGRESS_ENTRY, printable(text), "a host name or an address", "neither");
  }
  entry.text = (name.below_only ? "*." : "") + name.name;
  entry.target = std::move(name);
  return {};
}

Result<AllowList::Entry> AllowList::parse_entry(std::string_view text) {
  if (text == "*" || text.starts_with("*:")) {
    return fail(Code::EGRESS_ENTRY, printable(text), "a name, *.name, address or network", "a wildcard for everything");
  }
  const auto [target, ports] = cut_ports(text);
  Entry entry;
  TRY(parse_target(target, entry));
  if (ports) {
    TRY(parse_ports(*ports, text, entry));
  } else {
    entry.ports.push_back(kHttpsPort);
  }
  entry.text += entry.ports.empty() ? ":*" : ":";
  for (std::size_t i = 0; i < entry.ports.size(); ++i) {
    entry.text += (i > 0 ? "," : "") + std::to_string(entry.ports[i]);
  }
  return entry;
}

Result<AllowList> AllowList::parse(const std::vector<std::string>& entries) {
  if (entries.size() > limits::kEgressEntriesMax) {
    return fail(Code::LIMIT, "egress", "at most " + std::to_string(limits::kEgressEntriesMax) + " entries",
                std::to_string(entries.size()));
  }
  AllowList list;
  for (const std::string& text : entries) {
    TRY_ASSIGN(Entry entry, parse_entry(text));
    list.entries_.push_back(std::move(entry));
  }
  return list;
}

bool AllowList::covers(const Name& target, std::string_view name) {
  if (!target.below_only) return name == target.name;
  return name.size() > target.name.size() + 1 && name.ends_with(target.name) &&
         name[name.size() - target.name.size() - 1] == '.';
}

bool AllowList::covers_port(const Entry& entry, std::uint16_t port) {
  return port != 0 && (entry.ports.empty() || std::ranges::binary_search(entry.ports, port));
}

std::optional<std::size_t> AllowList::admits_name(std::string_view normal_name, std::uint16_t port) const {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const auto* name = std::get_if<Name>(&entries_[i].target);
    if (name != nullptr && covers(*name, normal_name) && covers_port(entries_[i], port)) return i;
  }
  return std::nullopt;
}

std::optional<std::size_t> AllowList::admits_address(const IpAddress& address, std::uint16_t port) const {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const auto* network = std::get_if<Network>(&entries_[i].target);
    if (network != nullptr && network->contains(address) && covers_port(entries_[i], port)) return i;
  }
  return std::nullopt;
}

Result<Permit> AllowList::permit(const Permit::Target& target, std::uint16_t port) const {
  const auto refuse = [&](const std::string& text) {
    return fail(Code::EGRESS_REFUSED, printable(text) + " port " + std::to_string(port),
                "\"" + printable(missing_entry(text, port)) + "\" in [egress] allow", "no such entry");
  };
  if (const auto* address = std::get_if<IpAddress>(&target)) {
    const auto entry = admits_address(*address, port);
    if (!CAGES_CHECK("EGRESS_REFUSED address", entry.has_value())) return refuse(write_ip(*address));
    return Permit(target, port, entry.value_or(0));
  }
  const std::string& name = std::get<std::string>(target);
  TRY_ASSIGN(const std::string normal, normal_name(name));
  if (normal != name) return fail(Code::EGRESS_NAME, printable(name), normal, "another form");
  const auto entry = admits_name(name, port);
  if (!CAGES_CHECK("EGRESS_REFUSED name", entry.has_value())) return refuse(name);
  return Permit(target, port, entry.value_or(0));
}

bool AllowList::knows_name(std::string_view normal_name) const {
  return std::ranges::any_of(entries_, [&](const Entry& entry) {
    const auto* name = std::get_if<Name>(&entry.target);
    return name != nullptr && covers(*name, normal_name);
  });
}

std::string AllowList::canonical() const {
  std::set<std::string> lines;
  for (const Entry& entry : entries_) lines.insert(entry.text);
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

std::vector<std::string> AllowList::entries_without_tls() const {
  std::vector<std::string> found;
  for (const Entry& entry : entries_) {
    const bool tls = !entry.ports.empty() && std::ranges::all_of(entry.ports, [](std::uint16_t port) {
      return std::ranges::find(kTlsPorts, port) != kTlsPorts.end();
    });
    if (!tls) found.push_back(entry.text);
  }
  return found;
}

std::string missing_entry(std::string_view target, std::uint16_t port) {
  const auto address = parse_ip(target);
  std::string entry = address && address->v6 ? "[" + std::string(target) + "]" : std::string(target);
  if (port != kHttpsPort) entry += ":" + std::to_string(port);
  return entry;
}

}  // namespace cages::policy
