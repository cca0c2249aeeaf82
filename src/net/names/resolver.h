// SPDX-License-Identifier: Apache-2.0
// NameSource: what names mean, by a resolver that does not block the loop; Resolver: this machine's own (/etc/hosts, the
// servers of /etc/resolv.conf), by c-ares. For cage-host's egress. Not for the runtime, which resolves nothing, nor for
// what getaddrinfo in another thread is good enough for (net/resolve.h).
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/ip.h"
#include "net/event_loop.h"

namespace cages::net {

struct NameAddresses {
  std::vector<IpAddress> addresses;  // in the order they came, at least one, each once
  std::chrono::seconds ttl{0};       // the shortest; 0: good for this once
};

class NameSource {
 public:
  virtual ~NameSource() = default;
  // addresses: A and AAAA. `name` is absolute: no search list is tried. EGRESS_RESOLVE where there is none or nobody answers,
  // TIMEOUT after `time`.
  virtual Task<Result<NameAddresses>> addresses(std::string name, Nanoseconds time) = 0;
  // message: the DNS response to one question of class IN, as it came, its id zeroed, NXDOMAIN and empty ones too;
  // EGRESS_RESOLVE where no server gave one, or one above kDnsMessageBytesMax; TIMEOUT after `time`. untrusted: the message.
  virtual Task<Result<Bytes>> message(std::string name, std::uint16_t type, Nanoseconds time) = 0;
};

// A question has sockets of its own, so that each is asked from another port, and reads the configuration anew.
class Resolver final : public NameSource {
 public:
  // `servers`: "192.0.2.1", "192.0.2.1:5353", "[2001:db8::1]:53"; empty: those of /etc/resolv.conf. USAGE for one that is no
  // address. lifetime: `loop` outlives it.
  static Result<std::unique_ptr<Resolver>> make(EventLoop& loop, const std::vector<std::string>& servers);
  ~Resolver() override;
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  Task<Result<NameAddresses>> addresses(std::string name, Nanoseconds time) override;
  Task<Result<Bytes>> message(std::string name, std::uint16_t type, Nanoseconds time) override;

 private:
  Resolver(EventLoop& loop, std::string servers) : loop_(loop), servers_(std::move(servers)) {}
  EventLoop& loop_;
  std::string servers_;
};

}  // namespace cages::net
