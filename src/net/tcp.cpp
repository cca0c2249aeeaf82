// SPDX-License-Identifier: Apache-2.0
#include "net/tcp.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <cstring>

namespace cages::net {

Result<SocketAddress> tcp_address(std::string_view ip, std::uint16_t port) {
  SocketAddress address;
  const std::string text(ip);
  sockaddr_in four{};
  sockaddr_in6 six{};
  if (::inet_pton(AF_INET, text.c_str(), &four.sin_addr) == 1) {
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    std::memcpy(&address.storage, &four, sizeof four);
    address.length = sizeof four;
    return address;
  }
  if (::inet_pton(AF_INET6, text.c_str(), &six.sin6_addr) == 1) {
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(port);
    std::memcpy(&address.storage, &six, sizeof six);
    address.length = sizeof six;
    return address;
  }
  return fail(Code::USAGE, "address", "an IPv4 or IPv6 address", printable(ip));
}

Peer tcp_peer(const SocketAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.storage.ss_family == AF_INET) {
    sockaddr_in four{};
    std::memcpy(&four, &address.storage, sizeof four);
    ::inet_ntop(AF_INET, &four.sin_addr, text.data(), text.size());
    return {.address = text.data(), .port = ntohs(four.sin_port), .cid = 0};
  }
  sockaddr_in6 six{};
  std::memcpy(&six, &address.storage, sizeof six);
  if (IN6_IS_ADDR_V4MAPPED(&six.sin6_addr)) {
    ::inet_ntop(AF_INET, &six.sin6_addr.s6_addr[12], text.data(), text.size());
  } else {
    ::inet_ntop(AF_INET6, &six.sin6_addr, text.data(), text.size());
  }
  return {.address = text.data(), .port = ntohs(six.sin6_port), .cid = 0};
}

Task<Result<StreamPtr>> dial_tcp(EventLoop& loop, std::string ip, std::uint16_t port) {
  CO_TRY_ASSIGN(const SocketAddress address, tcp_address(ip, port));
  co_return co_await dial_address(loop, address, ip + ":" + std::to_string(port));
}

Result<ListenerPtr> listen_tcp(EventLoop& loop, std::string_view ip, std::uint16_t port) {
  TRY_ASSIGN(const SocketAddress address, tcp_address(ip, port));
  return listen_address(loop, address, std::string(ip) + ":" + std::to_string(port));
}

}  // namespace cages::net
