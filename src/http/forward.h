// SPDX-License-Identifier: Apache-2.0
// Forward: a reverse proxy's one exchange: a request as it was admitted, to the one it is for, and the answer back,
// both streamed at a time. For the data plane.
#pragma once

#include "http/client.h"
#include "http/server.h"

namespace cages::http {

// forward sends `request` over `upstream` and answers by `responder`: 1xx, body, trailers and, where both sides agree
// to change the protocol, raw bytes. `change` may edit the answer's head. Memory: one buffer a direction. Errors:
// HTTP_FRAMING where the client's body is broken, HTTP_RESPONSE, TIMEOUT or CLOSED as UNREACHABLE where upstream is.
// Upstream is reusable (Client::reusable) only where the exchange ended whole.
Task<Result<void>> forward(net::Timers& timers, Request& request, Client& upstream, Responder& responder,
                           const std::function<void(ResponseHead&)>& change = {});

}  // namespace cages::http
