// SPDX-License-Identifier: Apache-2.0
// PROXY protocol, version 2 (haproxy.org, proxy-protocol.txt §2.2): who the client of a relayed connection is. Binary
// form, TCP over IPv4 and IPv6, and LOCAL; everything else is refused. No I/O.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/result.h"

namespace cages::wire {

inline constexpr std::size_t kProxyV2HeadBytes = 16;

struct ProxyAddress {
  std::string ip;  // literal, as inet_ntop writes it; empty where the connection is the proxy's own (LOCAL)
  std::uint16_t port = 0;
  friend bool operator==(const ProxyAddress&, const ProxyAddress&) = default;
};
struct ProxyHeader {
  ProxyAddress client;
  ProxyAddress server;
  friend bool operator==(const ProxyHeader&, const ProxyHeader&) = default;
};

// untrusted: proxy_v2_rest reads the first kProxyV2HeadBytes and returns how many bytes follow. PROXY_V2 where they are
// no such head, or announce more than kProxyV2BytesMax.
Result<std::size_t> proxy_v2_rest(ByteView head);
// untrusted: parse_proxy_v2 reads one whole header. PROXY_V2 on another version, command, family or transport, wrong
// lengths, or extensions (TLVs, skipped) that do not fill it exactly.
Result<ProxyHeader> parse_proxy_v2(ByteView whole);
// write_proxy_v2: both addresses of one family; LOCAL where the client has none. PROXY_V2 where an address is no
// literal.
Result<Bytes> write_proxy_v2(const ProxyHeader& header);

}  // namespace cages::wire
