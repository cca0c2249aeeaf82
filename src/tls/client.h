// SPDX-License-Identifier: Apache-2.0
// The client's end of TLS: whom it trusts and what it shows; and connect. For every part that dials.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "net/timers.h"
#include "tls/identity.h"
#include "tls/stream.h"

namespace cages::tls {

enum class ServerIdentity : std::uint8_t {
  chain_and_name,                    // the chain ends at a root and the leaf is for the name dialled
  any_because_server_check_decides,  // neither is looked at; `server_check` must be there and decides alone
};

struct ClientSettings {
  Roots roots;
  std::vector<std::string> alpn;
  std::optional<Identity> identity;  // shown where the server asks
  ServerIdentity server_identity = ServerIdentity::chain_and_name;
  PeerCheck server_check;  // evidence, a pinned key, …
};

class Client {
 public:
  // make: TLS_SETUP where the settings would check nothing. lifetime: `clock` outlives the client and its connections.
  static Result<std::unique_ptr<Client>> make(ClientSettings settings, const Clock& clock);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // connect runs the handshake over `stream` with the server called `host_name` (a DNS name, sent as SNI, or an
  // address). `check` runs after the settings' own. TLS_CERTIFICATE, TLS_NAME, a check's error, TLS_ALERT,
  // TLS_HANDSHAKE, TIMEOUT or CLOSED.
  Task<Result<TlsStreamPtr>> connect(net::Timers& timers, net::StreamPtr stream, std::string host_name,
                                     PeerCheck check = {}, Nanoseconds time = limits::kTlsHandshakeTime) const;

 private:
  struct Parts;
  Client(ClientSettings settings, const Clock& clock, std::unique_ptr<Parts> parts);
  ClientSettings settings_;
  const Clock& clock_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace cages::tls
