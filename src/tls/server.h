// SPDX-License-Identifier: Apache-2.0
// The server's end of TLS: what it shows and asks for, replaceable while it serves; and accept. For every part that
// serves.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "net/timers.h"
#include "tls/identity.h"
#include "tls/stream.h"

namespace cages::tls {

enum class ClientCertificates : std::uint8_t { not_asked, asked, required };

struct ServerSettings {
  Identity identity;
  // Protocols by preference. A client that offers others only is refused (RFC 7301 §3.2); one that offers none is not.
  std::vector<std::string> alpn;
  ClientCertificates clients = ClientCertificates::not_asked;
  Roots client_roots;  // where clients are asked: what their chains must end at
  PeerCheck client_check;
};

class Server {
 public:
  // lifetime: `clock` outlives the server and its connections.
  static Result<std::unique_ptr<Server>> make(ServerSettings settings, const Clock& clock);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // replace shows another identity from the next handshake on; what is open or under way keeps the one it began with.
  // On failure nothing changes.
  Result<void> replace(Identity identity);

  // accept runs the handshake over `stream`. TIMEOUT, TLS_ALERT, TLS_HANDSHAKE, TLS_CERTIFICATE (the client's) or
  // CLOSED.
  Task<Result<TlsStreamPtr>> accept(net::Timers& timers, net::StreamPtr stream,
                                    Nanoseconds time = limits::kTlsHandshakeTime) const;

 private:
  struct Shown;
  Server(ServerSettings settings, const Clock& clock);
  [[nodiscard]] Result<std::shared_ptr<const Shown>> show(const Identity& identity) const;
  ServerSettings settings_;
  const Clock& clock_;
  std::shared_ptr<const Shown> shown_;
};

}  // namespace cages::tls
