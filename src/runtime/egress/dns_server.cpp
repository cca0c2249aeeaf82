// SPDX-License-Identifier: Apache-2.0
#include "runtime/egress/dns_server.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "net/deadline.h"
#include "net/descriptor.h"
#include "net/frame.h"

namespace cages::runtime::egress {
namespace {

namespace dns = wire::dns;

constexpr std::size_t kPlainUdpBytes = 512;  // RFC 1035 §4.2.1
constexpr std::size_t kBatch = 64;           // datagrams before others have their turn

std::size_t udp_bytes_max(const dns::Query& query) {
  if (!query.edns) return kPlainUdpBytes;
  return std::clamp<std::size_t>(query.edns->udp_bytes, kPlainUdpBytes, limits::kDnsUdpBytesMax);
}

}  // namespace

struct DnsServer::From {
  sockaddr_in address{};
  socklen_t length = sizeof(sockaddr_in);
};

namespace {

// What the app's socket does not take is lost, as datagrams are: it asks again.
void send_to(int socket, ByteView message, const sockaddr_in& to, socklen_t length) {
  ::sendto(socket, message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&to), length);
}

}  // namespace

Task<void> DnsServer::serve_udp(const Fd& socket) {
  net::TaskGroup waiting(loop_);
  Bytes buffer(limits::kDnsMessageBytesMax);
  for (;;) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      From from;
      const ssize_t got = ::recvfrom(socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_TRUNC,
                                     reinterpret_cast<sockaddr*>(&from.address), &from.length);
      if (got < 0 && (errno == EAGAIN || errno == EBADF)) break;
      if (got <= 0 || static_cast<std::size_t>(got) > buffer.size()) continue;
      take(socket.get(), ByteView(buffer).first(static_cast<std::size_t>(got)), from, waiting);
    }
    co_await net::yield();
    if (const auto ready = co_await net::wait_readable(loop_, socket.get()); !ready) break;
  }
  co_await waiting.stop();
}

void DnsServer::take(int socket, ByteView message, const From& from, net::TaskGroup& waiting) {
  auto query = dns::parse_query(message);
  if (!query) {
    if (const auto refusal = dns::write_refusal(message)) send_to(socket, *refusal, from.address, from.length);
    return;
  }
  if (const auto reply = resolver_.at_once(*query)) {
    send_to(socket, dns::write_reply(*query, *reply, udp_bytes_max(*query)), from.address, from.length);
    return;
  }
  waiting.spawn("dns", answer_later(socket, std::move(*query), from));
}

Task<void> DnsServer::answer_later(int socket, dns::Query query, From from) {
  const dns::Reply reply = co_await resolver_.ask_host(query.question);
  send_to(socket, dns::write_reply(query, reply, udp_bytes_max(query)), from.address, from.length);
}

Task<void> DnsServer::serve_tcp(net::Listener& listener) {
  net::TaskGroup tasks(loop_);
  for (;;) {
    auto accepted = co_await listener.accept();
    if (!accepted) {
      if (accepted.error().code == Code::CLOSED) break;
      continue;
    }
    auto slot = connections_.try_take();
    if (slot) tasks.spawn("dns.tcp", converse(std::move(accepted->stream), std::move(*slot)));
  }
  co_await tasks.stop();
}

// One question after the other.
Task<void> DnsServer::converse(net::StreamPtr stream, net::Slots::Slot slot) {
  const net::Slots::Slot held = std::move(slot);
  net::Deadline idle(loop_.timers(), *stream, limits::kDnsTcpIdleTime);
  for (;;) {
    idle.set(limits::kDnsTcpIdleTime);
    const auto message = co_await net::read_short_frame(*stream, limits::kDnsMessageBytesMax);
    if (!message) co_return;
    const auto query = dns::parse_query(*message);
    if (!query) {
      const auto refusal = dns::write_refusal(*message);
      if (refusal) [[maybe_unused]]
        const auto sent = co_await net::write_short_frame(*stream, *refusal);
      co_return;
    }
    auto reply = resolver_.at_once(*query);
    if (!reply) reply = co_await resolver_.ask_host(query->question);
    if (!co_await net::write_short_frame(*stream, dns::write_reply(*query, *reply, limits::kDnsMessageBytesMax))) co_return;
  }
}

}  // namespace cages::runtime::egress
