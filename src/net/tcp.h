// SPDX-License-Identifier: Apache-2.0
// TCP over IPv4 and IPv6, by address literal. Names are resolved by net/resolve.h, which programs that must not resolve
// (the runtime) do not link.
#pragma once

#include <string>
#include <string_view>

#include "net/descriptor.h"

namespace cages::net {

// tcp_address reads an IPv4 or IPv6 literal ("127.0.0.1", "::1"); USAGE else.
Result<SocketAddress> tcp_address(std::string_view ip, std::uint16_t port);
// tcp_peer writes the address as text; IPv4 mapped into IPv6 as IPv4.
Peer tcp_peer(const SocketAddress& address);

// dial_tcp connects to a literal address.
Task<Result<StreamPtr>> dial_tcp(EventLoop& loop, std::string ip, std::uint16_t port);
// listen_tcp: port 0 lets the kernel choose (Listener::port tells). "::" takes IPv4 too.
Result<ListenerPtr> listen_tcp(EventLoop& loop, std::string_view ip, std::uint16_t port);

}  // namespace cages::net
