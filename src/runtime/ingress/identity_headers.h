// SPDX-License-Identifier: Apache-2.0
// Who the client is, told to the app: what the client said of itself is replaced, never appended to. For the data
// plane.
#pragma once

#include <string>

#include "http/headers.h"

namespace cages::runtime {

struct ClientIdentity {
  std::string ip;  // literal; empty where it is unknown
  std::string request_id;
};

// replace_identity removes every header by which a client could pass for another, in any spelling that an app may take
// for one (CGI folds '-' and '_'), and writes X-Forwarded-For, X-Forwarded-Proto, Forwarded (RFC 7239) and
// X-Request-Id.
void replace_identity(http::Headers& headers, const ClientIdentity& client);

}  // namespace cages::runtime
