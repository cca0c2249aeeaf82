// SPDX-License-Identifier: Apache-2.0
#include "runtime/egress/egress.h"

#include <set>

#include "base/text.h"
#include "crypto/list_digest.h"
#include "net/descriptor.h"
#include "runtime/egress/dns_server.h"
#include "runtime/egress/gateway.h"

namespace cages::runtime::egress {
namespace {

// The names that the list holds as they are: "name:ports" among its canonical lines. Addresses among them do no harm.
std::set<std::string> listed_names(const policy::AllowList& list) {
  std::set<std::string> names;
  for (const std::string_view line : split(list.canonical(), '\n')) {
    const std::size_t colon = line.rfind(':');
    if (colon != std::string_view::npos && !line.starts_with("*.")) names.emplace(line.substr(0, colon));
  }
  return names;
}

}  // namespace

struct Egress::Parts {
  Parts(Powers given, const policy::AllowList& list, Sockets opened)
      : powers(std::move(given)),
        sockets(std::move(opened)),
        digest(crypto::list_digest(list.canonical())),
        tally(list, powers.loop.clock(), powers.say),
        names(listed_names(list)),
        host_names(powers.loop, powers.host, list, digest, tally),
        resolver(list, powers.loop.clock(), names, host_names, tally),
        dns(powers.loop, resolver),
        gateway(powers.loop, powers.host, list, digest, names, tally) {}
  Powers powers;
  Sockets sockets;
  wire::ListDigest digest;
  Tally tally;
  Names names;
  HostNames host_names;
  Resolver resolver;
  DnsServer dns;
  Gateway gateway;
  std::unique_ptr<net::DivertedListener> caught4;
  std::unique_ptr<net::DivertedListener> caught6;
  net::ListenerPtr dns_tcp;
};

Egress::Egress(Powers powers, const policy::AllowList& list, Sockets sockets)
    : parts_(std::make_unique<Parts>(std::move(powers), list, std::move(sockets))) {}
Egress::~Egress() = default;

Task<Result<void>> Egress::run() {
  Parts& p = *parts_;
  net::EventLoop& loop = p.powers.loop;
  CO_TRY_ASSIGN(p.caught4, net::diverted_listener_from(loop, std::move(p.sockets.caught4)));
  CO_TRY_ASSIGN(p.dns_tcp, net::listener_from(loop, std::move(p.sockets.dns_tcp)));
  net::TaskGroup tasks(loop);
  tasks.spawn("egress", p.gateway.serve(*p.caught4));
  if (p.sockets.caught6) {
    CO_TRY_ASSIGN(p.caught6, net::diverted_listener_from(loop, std::move(p.sockets.caught6)));
    tasks.spawn("egress.v6", p.gateway.serve(*p.caught6));
  }
  tasks.spawn("dns.udp", p.dns.serve_udp(p.sockets.dns_udp));
  tasks.spawn("dns.tcp", p.dns.serve_tcp(*p.dns_tcp));
  tasks.spawn("egress.metrics", measure());
  co_await tasks.join();
  co_return Result<void>{};
}

Task<void> Egress::measure() {
  for (;;) {
    co_await parts_->powers.loop.timers().sleep(limits::kMetricsInterval);
    std::vector<wire::Metric> metrics = parts_->tally.sample();
    metrics.push_back({"egress_names", static_cast<std::int64_t>(parts_->names.size())});
    metrics.push_back({"egress_streams", static_cast<std::int64_t>(parts_->gateway.streams())});
    parts_->powers.measure(std::move(metrics));
  }
}

}  // namespace cages::runtime::egress
