// SPDX-License-Identifier: Apache-2.0
// The PROXY v2 header with which a relayed connection begins (wire/proxy_v2.h), read off a stream. For whoever stands behind a
// balancer or a host: the data plane, cage-host, caged.
#pragma once

#include "net/stream.h"
#include "wire/proxy_v2.h"

namespace cages::http {

// untrusted: read_proxy_header reads one header and not a byte more, and returns the client that it names (no ip: the relay's own
// connection). PROXY_V2; CLOSED and TIMEOUT as the stream's. The deadline is the caller's.
Task<Result<wire::ProxyAddress>> read_proxy_header(net::Stream& stream);

}  // namespace cages::http
