// SPDX-License-Identifier: Apache-2.0
// Dial: the first of several destinations that takes the connection, IPv6 and IPv4 in turn (RFC 8305). For host/egress.
#pragma once

#include <vector>

#include "net/event_loop.h"
#include "net/stream.h"
#include "policy/destination.h"

namespace cages::host {

// Connects to one destination: TCP in cage-host, something else in tests.
class Connector {
 public:
  virtual ~Connector() = default;
  virtual Task<Result<net::StreamPtr>> connect(const policy::Destination& destination) = 0;
};

class TcpConnector final : public Connector {
 public:
  explicit TcpConnector(net::EventLoop& loop) : loop_(loop) {}
  Task<Result<net::StreamPtr>> connect(const policy::Destination& destination) override;

 private:
  net::EventLoop& loop_;
};

// dial_first tries one after another, the next after kEgressAttemptDelay or at once where one fails; the others are given up
// when one succeeds. EGRESS_DIAL with the last one's reason; the same where `time` is over.
Task<Result<net::StreamPtr>> dial_first(net::EventLoop& loop, Connector& connector, std::vector<policy::Destination> destinations,
                                        Nanoseconds time);

// in_turn orders addresses as RFC 8305 §4 has them: the families alternate, IPv6 first, each in its own order; at most
// kEgressAddressesMax.
std::vector<IpAddress> in_turn(const std::vector<IpAddress>& addresses);

}  // namespace cages::host
