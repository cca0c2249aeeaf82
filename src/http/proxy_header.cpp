// SPDX-License-Identifier: Apache-2.0
#include "http/proxy_header.h"

namespace cages::http {

Task<Result<wire::ProxyAddress>> read_proxy_header(net::Stream& stream) {
  Bytes header(wire::kProxyV2HeadBytes);
  CO_TRY(co_await net::read_exact(stream, header));
  CO_TRY_ASSIGN(const std::size_t rest, wire::proxy_v2_rest(header));
  header.resize(header.size() + rest);
  CO_TRY(co_await net::read_exact(stream, std::span(header).subspan(wire::kProxyV2HeadBytes)));
  CO_TRY_ASSIGN(const wire::ProxyHeader parsed, wire::parse_proxy_v2(header));
  co_return parsed.client;
}

}  // namespace cages::http
