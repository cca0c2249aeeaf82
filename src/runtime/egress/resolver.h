// SPDX-License-Identifier: Apache-2.0
// Resolver: what the app's DNS questions are answered. An allowed name has the loopback address that stands for it; of
// what only the world knows (TXT, MX, SRV, HTTPS, …) the host is asked; everything else is refused, with the reason.
// No socket: listening is dns_server.h.
#pragma once

#include <list>
#include <map>
#include <optional>

#include "net/event.h"
#include "runtime/egress/host_names.h"
#include "runtime/egress/names.h"

namespace cages::runtime::egress {

class Resolver {
 public:
  // lifetime: everything outlives this.
  Resolver(const policy::AllowList& list, const Clock& clock, Names& names, HostNames& host, Tally& tally)
      : list_(list), clock_(clock), names_(names), host_(host), tally_(tally), asking_(limits::kDnsQueriesMax) {}
  // at_once answers what needs no waiting; none where the host must be asked.
  std::optional<wire::dns::Reply> at_once(const wire::dns::Query& query);
  // ask_host answers the rest: SERVFAIL where the host does not, or kDnsQueriesMax are asked already.
  Task<wire::dns::Reply> ask_host(wire::dns::Question question);

 private:
  using Key = std::pair<std::string, std::uint16_t>;
  struct Cached {
    Key key;
    wire::dns::Reply reply;
    Nanoseconds stored;
    Nanoseconds expires;
  };
  std::optional<wire::dns::Reply> cached(const wire::dns::Question& question);
  void keep(const wire::dns::Question& question, const wire::dns::Reply& reply);
  wire::dns::Reply address(const std::string& name);
  void forget(std::list<Cached>::iterator entry);

  const policy::AllowList& list_;
  const Clock& clock_;
  Names& names_;
  HostNames& host_;
  Tally& tally_;
  net::Slots asking_;
  std::list<Cached> cache_;  // newest last
  std::map<Key, std::list<Cached>::iterator> by_key_;
};

}  // namespace cages::runtime::egress
