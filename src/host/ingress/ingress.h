// SPDX-License-Identifier: Apache-2.0
// Ingress: the host's front door. Reads the server name of a TLS connection that stays encrypted end to end, picks the
// enclave, says who the client is (PROXY v2), and relays. A slow or silent client holds up nobody else. It decrypts
// nothing and trusts nobody. docs/flows/request.md. For cage-host.
#pragma once

#include <map>
#include <set>
#include <string>

#include "base/limits.h"
#include "host/ingress/routes.h"
#include "net/event_loop.h"
#include "net/stream.h"

namespace cages::host {

struct IngressSettings {
  // Balancers, by address: their connections must begin with a PROXY v2 header, which nobody else's may.
  std::set<std::string> proxy_peers;
  std::size_t connections_max = limits::kIngressConnectionsMax;
  std::size_t per_client_max = limits::kIngressConnectionsPerIpMax;
  Nanoseconds hello_time = limits::kIngressHelloTime;
  Nanoseconds dial_time = limits::kIngressDialTime;
  Nanoseconds idle_time = limits::kIngressIdleTime;
};

struct IngressCounts {
  std::uint64_t accepted = 0;
  std::uint64_t relayed = 0;
  std::uint64_t refused_full = 0;     // over one of the caps
  std::uint64_t refused_hello = 0;    // no server name in time, or no TLS
  std::uint64_t refused_route = 0;    // no cage by this name
  std::uint64_t refused_enclave = 0;  // it did not answer
};

class Ingress {
 public:
  // lifetime: all references outlive the ingress.
  Ingress(net::EventLoop& loop, const Routes& routes, IngressSettings settings = {});

  // serve accepts until `listener` is closed; connections go on.
  Task<void> serve(net::Listener& listener);
  // stop ends every connection.
  Task<void> stop() { return tasks_.stop(); }
  [[nodiscard]] const IngressCounts& counts() const { return counts_; }
  [[nodiscard]] std::size_t connections() const { return all_.taken(); }

 private:
  Task<void> connection(net::Accepted accepted, net::Slots::Slot slot);
  Task<Result<void>> carry(net::Stream& client, net::Peer& peer);

  net::EventLoop& loop_;
  const Routes& routes_;
  IngressSettings settings_;
  IngressCounts counts_;
  net::Slots all_;
  std::map<std::string, std::size_t> per_client_;
  net::TaskGroup tasks_;
};

}  // namespace cages::host
