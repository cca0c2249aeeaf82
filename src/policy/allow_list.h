// SPDX-License-Identifier: Apache-2.0
// AllowList: which names, addresses and ports a cage may reach. Pure: text in, verdicts out. The same list is judged in the
// enclave (from the measured manifest) and on the host (from the deployment record); its digest is over canonical().
//
// Entry = target [":" ports]; target = host name | "*." host name | IPv4 | "[" IPv6 "]" | IPv4 or IPv6 CIDR;
// ports = number ("," number)* | "*"; without ports 443 alone. Names are A-labels here; the command line turns others into
// them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/ip.h"
#include "base/result.h"
#include "policy/network.h"

namespace cages::policy {

// normal_name folds ASCII case and drops one trailing dot. EGRESS_NAME where it is no host name (RFC 1123 labels of 1–63
// letters, digits, "-" and "_", 253 characters in all).
Result<std::string> normal_name(std::string_view text);

// Where one connection may go, by which entry. Only AllowList makes one; whoever dials takes one.
class Permit {
 public:
  using Target = std::variant<std::string, IpAddress>;
  [[nodiscard]] const Target& target() const { return target_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::size_t entry() const { return entry_; }

 private:
  friend class AllowList;
  Permit(Target target, std::uint16_t port, std::size_t entry) : target_(std::move(target)), port_(port), entry_(entry) {}
  Target target_;
  std::uint16_t port_;
  std::size_t entry_;
};

class AllowList {
 public:
  // parse reads entries as a manifest holds them; EGRESS_ENTRY names the entry and what is wrong; LIMIT above
  // kEgressEntriesMax. No entries: nothing is allowed.
  static Result<AllowList> parse(const std::vector<std::string>& entries);

  // admits_* return the index of the first entry that allows it, or none.
  [[nodiscard]] std::optional<std::size_t> admits_name(std::string_view normal_name, std::uint16_t port) const;
  [[nodiscard]] std::optional<std::size_t> admits_address(const IpAddress& address, std::uint16_t port) const;
  // permit: EGRESS_NAME where a name is not in normal form; EGRESS_REFUSED where no entry allows it, expecting the line that
  // would.
  [[nodiscard]] Result<Permit> permit(const Permit::Target& target, std::uint16_t port) const;
  // entry_text returns an entry in canonical form.
  [[nodiscard]] const std::string& entry_text(std::size_t entry) const { return entries_[entry].text; }
  // knows_name: allowed at some port, so that its DNS query is answered.
  [[nodiscard]] bool knows_name(std::string_view normal_name) const;
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  // canonical: one normal entry a line, sorted, without repeats; the text that both sides' digests are over.
  [[nodiscard]] std::string canonical() const;
  // entries_without_tls: those that reach a port where TLS is not usual, for `cage build` to warn of.
  [[nodiscard]] std::vector<std::string> entries_without_tls() const;

 private:
  struct Name {
    std::string name;
    bool below_only;  // "*.name": what is below it, never itself
  };
  struct Entry {
    std::variant<Name, Network> target;
    std::vector<std::uint16_t> ports;  // sorted; empty = all
    std::string text;                  // canonical
  };
  static Result<Entry> parse_entry(std::string_view text);
  static Result<void> parse_target(std::string_view text, Entry& entry);
  static Result<void> parse_ports(std::string_view text, std::string_view whole, Entry& entry);
  static bool covers(const Name& target, std::string_view name);
  static bool covers_port(const Entry& entry, std::uint16_t port);

  std::vector<Entry> entries_;
};

// missing_entry returns the line that would allow this, as a refusal suggests it: "api.example.com", "db.example.com:5432".
std::string missing_entry(std::string_view target, std::uint16_t port);

}  // namespace cages::policy
