// SPDX-License-Identifier: Apache-2.0
#include "server/api/balancers.h"

#include "base/ip.h"
#include "base/limits.h"
#include "http/proxy_header.h"
#include "net/deadline.h"

namespace cages::server {

std::string canonical_address(const std::string& text) {
  const auto address = parse_ip(text);
  return address ? write_ip(*address) : text;
}

Task<Result<void>> Balancers::name_client(net::Timers& timers, net::Accepted& accepted) const {
  if (!addresses_.contains(canonical_address(accepted.peer.address))) co_return Result<void>();
  const net::Deadline deadline(timers, *accepted.stream, limits::kIngressHelloTime);
  CO_TRY_ASSIGN(const wire::ProxyAddress client, co_await http::read_proxy_header(*accepted.stream));
  if (client.ip.empty()) co_return Result<void>();  // the balancer's own connection
  accepted.peer.address = client.ip;
  accepted.peer.port = client.port;
  co_return Result<void>();
}

}  // namespace cages::server
