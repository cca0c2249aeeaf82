// SPDX-License-Identifier: Apache-2.0
// How a peer's certificates are judged during the handshake: chain, name, then the caller's own check. For tls/ alone.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "tls/handles.h"
#include "tls/stream.h"

namespace cages::tls {

struct PeerJudge {
  const Clock* clock = nullptr;
  bool chain = true;      // false only where the caller said, in words, that any identity will do
  std::string host_name;  // empty: no name is asked for (client certificates)
  PeerCheck check;        // after both; may be empty
  std::optional<Error> refusal;
};

// judge is OpenSSL's certificate verification callback; `SSL_get_app_data` is the connection's State.
int judge(X509_STORE_CTX* store, void*);
// set_judge makes `context` ask judge, and only judge.
void set_judge(SSL_CTX* context);

}  // namespace cages::tls
