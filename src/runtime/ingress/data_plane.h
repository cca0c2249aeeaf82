// SPDX-License-Identifier: Apache-2.0
// DataPlane: where a client's connection ends, inside the enclave: PROXY v2, TLS, HTTP, then the attestation endpoints
// or the app. Everything streams and everything is bounded. docs/flows/request.md. For runtime/cage.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "crypto/random.h"
#include "http/server.h"
#include "net/event.h"
#include "net/event_loop.h"
#include "runtime/ingress/attestation_responder.h"
#include "tls/server.h"

namespace cages::runtime {

struct DataPlaneSettings {
  // The names that this cage answers for, in lower case: of the SNI and of the Host.
  std::vector<std::string> host_names;
  std::size_t connections_max = limits::kDataPlaneConnectionsMax;
  std::size_t handshakes_max = limits::kDataPlaneHandshakesMax;
  http::ServeLimits http;
};

struct DataPlaneCounts {
  std::uint64_t connections = 0;
  std::uint64_t refused_full = 0;
  std::uint64_t refused_handshakes = 0;
  std::uint64_t requests = 0;
  std::uint64_t sessions = 0;
  std::uint64_t in_flight = 0;  // requests being answered now
};

// dial_app connects to the app on loopback.
using DialApp = std::function<Task<Result<net::StreamPtr>>()>;

class DataPlane {
 public:
  // lifetime: all references outlive the data plane.
  DataPlane(net::EventLoop& loop, const tls::Server& tls, AttestationResponder& attestation, crypto::Random& random,
            DialApp dial_app, DataPlaneSettings settings);

  // serve accepts until `listener` (vsock port 7010) is closed; connections go on.
  Task<void> serve(net::Listener& listener);
  // drain lets requests in flight finish within `time`, takes no new ones, then ends every connection. Close the
  // listener first. New connections are refused from here on.
  Task<void> drain(Nanoseconds time);
  // hurry ends a drain that is under way after `time`, where it would have gone on for longer.
  void hurry(Nanoseconds time) { cut_at_ = std::min(cut_at_, loop_.timers().now() + time); }
  [[nodiscard]] const DataPlaneCounts& counts() const { return counts_; }
  [[nodiscard]] std::size_t connections() const { return all_.taken(); }

 private:
  struct Session;
  Task<void> connection(net::Accepted accepted, net::Slots::Slot slot);
  Task<Result<void>> carry(net::StreamPtr stream);
  Task<Result<void>> request(http::Request& request, http::Responder& responder, Session& session);
  Task<Result<void>> prove_session(http::Request& request, http::Responder& responder, Session& session);
  Task<Result<void>> show_document(http::Request& request, http::Responder& responder, Session& session);
  Task<Result<void>> ask_app(http::Request& request, http::Responder& responder, Session& session);
  [[nodiscard]] bool answers_for(const http::RequestHead& head, const Session& session) const;

  net::EventLoop& loop_;
  const tls::Server& tls_;
  AttestationResponder& attestation_;
  crypto::Random& random_;
  DialApp dial_app_;
  DataPlaneSettings settings_;
  DataPlaneCounts counts_;
  net::Slots all_;
  net::Slots handshakes_;
  http::Draining draining_;
  Nanoseconds cut_at_ = Nanoseconds::max();  // when a drain ends what is left
  net::TaskGroup tasks_;
};

}  // namespace cages::runtime
