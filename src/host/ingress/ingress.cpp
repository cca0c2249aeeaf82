// SPDX-License-Identifier: Apache-2.0
#include "host/ingress/ingress.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "base/log.h"
#include "http/proxy_header.h"
#include "net/deadline.h"
#include "net/relay.h"
#include "wire/client_hello.h"
#include "wire/proxy_v2.h"

namespace cages::host {
namespace {

constexpr std::uint32_t kIngressPort = 7010;
// RFC 8446 §6: alert(21), fatal(2), unrecognized_name(112) or internal_error(80).
constexpr std::array<Byte, 7> kNoSuchName{21, 3, 3, 0, 2, 2, 112};
constexpr std::array<Byte, 7> kUnavailable{21, 3, 3, 0, 2, 2, 80};

// Whom a cap counts as one: an IPv4 address, or an IPv6 /64, of which anybody has 2^64.
std::string client_key(const std::string& ip) {
  in6_addr six{};
  if (::inet_pton(AF_INET6, ip.c_str(), &six) != 1) return ip;
  return hex(ByteView(six.s6_addr).first(8));
}

class ClientCount {
 public:
  ClientCount(std::map<std::string, std::size_t>& counts, const std::string& ip)
      : counts_(counts), entry_(counts.try_emplace(client_key(ip), 0).first) {
    ++entry_->second;
  }
  ~ClientCount() {
    if (--entry_->second == 0) counts_.erase(entry_);
  }
  ClientCount(const ClientCount&) = delete;
  ClientCount& operator=(const ClientCount&) = delete;
  [[nodiscard]] std::size_t value() const { return entry_->second; }

 private:
  std::map<std::string, std::size_t>& counts_;
  std::map<std::string, std::size_t>::iterator entry_;
};

// untrusted: who a balancer says its client is.
Task<Result<void>> name_client(net::Stream& stream, net::Peer& peer) {
  CO_TRY_ASSIGN(const wire::ProxyAddress client, co_await http::read_proxy_header(stream));
  if (client.ip.empty()) co_return Result<void>();  // the balancer's own connection
  peer.address = client.ip;
  peer.port = client.port;
  co_return Result<void>();
}

// untrusted: reads until the server name is known; `hello` keeps what was read, for the enclave.
Task<Result<std::string>> read_server_name(net::Stream& stream, Bytes& hello) {
  std::array<Byte, 2048> buffer;
  for (;;) {
    CO_TRY_ASSIGN(const std::size_t n, co_await stream.read_some(buffer));
    if (n == 0) co_return fail(Code::CLOSED, "ClientHello");
    append(hello, ByteView(buffer).first(n));
    CO_TRY_ASSIGN(auto name, wire::parse_server_name(hello));
    if (name) co_return std::move(*name);
  }
}

// Says why by a TLS alert, in passing: who does not read it is not waited for.
Task<void> alert(net::Timers& timers, net::Stream& client, ByteView bytes) {
  const net::Deadline deadline(timers, client, std::chrono::seconds(1));
  std::ignore = co_await client.write_all(bytes);
  std::ignore = co_await client.shutdown_write();
}

}  // namespace

Ingress::Ingress(net::EventLoop& loop, const Routes& routes, IngressSettings settings)
    : loop_(loop), routes_(routes), settings_(std::move(settings)), all_(settings_.connections_max), tasks_(loop) {}

Task<void> Ingress::serve(net::Listener& listener) {
  for (;;) {
    auto accepted = co_await listener.accept();
    if (!accepted) {
      if (accepted.error().code == Code::CLOSED) co_return;
      log::error("ingress.accept", accepted.error());
      co_await loop_.timers().sleep(std::chrono::milliseconds(100));
      continue;
    }
    ++counts_.accepted;
    auto slot = all_.try_take();
    if (!slot) {
      ++counts_.refused_full;
      continue;
    }
    tasks_.spawn("ingress.connection", connection(std::move(*accepted), std::move(*slot)));
  }
}

Task<void> Ingress::connection(net::Accepted accepted, net::Slots::Slot slot) {
  const net::Slots::Slot held = std::move(slot);
  const auto done = co_await carry(*accepted.stream, accepted.peer);
  accepted.stream->close();
  if (!done && done.error().kind() == Kind::internal) log::error("ingress.connection", done.error());
}

// One connection, from its first byte to its last.
Task<Result<void>> Ingress::carry(net::Stream& client, net::Peer& peer) {
  Bytes hello;
  std::string name;
  std::optional<ClientCount> count;
  {
    const net::Deadline deadline(loop_.timers(), client, settings_.hello_time);
    if (settings_.proxy_peers.contains(peer.address)) {
      const auto read = co_await name_client(client, peer);
      if (!read) ++counts_.refused_hello;
      CO_TRY(read);
    }
    count.emplace(per_client_, peer.address);
    if (count->value() > settings_.per_client_max) {
      ++counts_.refused_full;
      co_return fail(Code::LIMIT, "connections of one client");
    }
    auto found = co_await read_server_name(client, hello);
    if (!found) {
      ++counts_.refused_hello;
      if (found.error().code == Code::MISSING) co_await alert(loop_.timers(), client, kNoSuchName);
      co_return fail(std::move(found).error());
    }
    name = std::move(*found);
  }
  const std::shared_ptr<Route> route = routes_.find(name);
  if (!route) {
    ++counts_.refused_route;
    co_await alert(loop_.timers(), client, kNoSuchName);
    co_return fail(Code::NO_ROUTE, printable(name));
  }
  const auto place = route->connections.try_take();
  if (!place) {
    ++counts_.refused_full;
    co_await alert(loop_.timers(), client, kUnavailable);
    co_return fail(Code::LIMIT, "connections of one cage");
  }
  auto enclave = co_await route->dialer->dial(kIngressPort);
  if (!enclave) {
    ++counts_.refused_enclave;
    co_await alert(loop_.timers(), client, kUnavailable);
    co_return fail(std::move(enclave).error());
  }
  {
    const net::Deadline deadline(loop_.timers(), **enclave, settings_.dial_time);
    // The address dialled means nothing inside; its family follows the client's.
    const std::string here = peer.address.find(':') == std::string::npos ? "0.0.0.0" : "::";
    const wire::ProxyHeader header{.client = {peer.address, peer.port}, .server = {here, 443}};
    CO_TRY_ASSIGN(Bytes first, wire::write_proxy_v2(header));
    append(first, hello);
    hello = Bytes();
    CO_TRY(co_await (*enclave)->write_all(first));
  }
  ++counts_.relayed;
  net::Relayed bytes;
  co_return co_await net::relay(loop_.timers(), client, **enclave, settings_.idle_time, bytes);
}

}  // namespace cages::host
