// SPDX-License-Identifier: Apache-2.0
// DnsServer: the resolver on 127.0.0.1 port 53, UDP and TCP (RFC 1035, RFC 7766). Bounded: a question that waits for the
// host holds up no other.
#pragma once

#include "base/file.h"
#include "net/event.h"
#include "net/event_loop.h"
#include "net/stream.h"
#include "runtime/egress/resolver.h"

namespace cages::runtime::egress {

class DnsServer {
 public:
  // lifetime: everything outlives this, and this outlives its tasks.
  DnsServer(net::EventLoop& loop, Resolver& resolver)
      : loop_(loop), resolver_(resolver), connections_(limits::kDnsTcpConnectionsMax) {}
  // serve_udp answers on a bound datagram socket until it is cancelled.
  Task<void> serve_udp(const Fd& socket);
  // serve_tcp takes connections until the listener is closed.
  Task<void> serve_tcp(net::Listener& listener);

 private:
  struct From;
  Task<void> answer_later(int socket, wire::dns::Query query, From from);
  Task<void> converse(net::StreamPtr stream, net::Slots::Slot slot);
  void take(int socket, ByteView message, const From& from, net::TaskGroup& waiting);

  net::EventLoop& loop_;
  Resolver& resolver_;
  net::Slots connections_;
};

}  // namespace cages::runtime::egress
