// SPDX-License-Identifier: Apache-2.0
// An attested connection: TLS 1.3 to a cage whose certificate proves which code answers, and, by default, whose first answer
// proves that this very session ends there (design §5). No byte of an application is sent before both hold; there is no
// fall-back. For libcage's interfaces and the command line.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attest/evidence.h"
#include "base/clock.h"
#include "base/limits.h"
#include "crypto/random.h"
#include "http/client.h"
#include "net/event_loop.h"
#include "net/stream.h"
#include "policy/pcr_policy.h"
#include "tls/client.h"

namespace cages::client {

// Whose cage it is, beside which code it runs: the certificate's chain and name, or, in so many words, anybody's.
enum class Identity : std::uint8_t { chain_and_name, any };

// What ties the evidence to the connection. `key`: the TLS key alone, which whoever got hold of that key can use elsewhere.
// `session`: this very session, signed by the attested key. `fresh`: the same by a new document of the hypervisor's.
enum class Binding : std::uint8_t { key, session, fresh };

struct Settings {
  policy::AttestationPolicy policy;
  std::vector<attest::TrustRoot> roots;  // of documents: attest::production_root(), or a development root
  tls::Roots authorities;                // of certificates
  Identity identity = Identity::chain_and_name;
  Binding binding = Binding::session;
  Nanoseconds time = limits::kClientConnectTime;  // for connecting, evidence and session together
};

struct Target {
  std::string host;  // DNS name or address literal
  std::uint16_t port = 443;
  std::string dial;  // address literal to connect to instead of resolving `host`; empty: resolve
  // authority as HTTP wants it: host, and the port where it is not 443.
  [[nodiscard]] std::string authority() const;
};

class Connection {
 public:
  [[nodiscard]] const attest::TlsEvidence& evidence() const { return evidence_; }
  [[nodiscard]] Binding binding() const { return binding_; }
  // http: the attested connection, ready for the application's first request.
  [[nodiscard]] http::Client& http() { return *http_; }

 private:
  Connection(attest::TlsEvidence evidence, Binding binding, std::unique_ptr<http::Client> http)
      : evidence_(std::move(evidence)), binding_(binding), http_(std::move(http)) {}
  friend class Attesting;
  attest::TlsEvidence evidence_;
  Binding binding_;
  std::unique_ptr<http::Client> http_;
};
using ConnectionPtr = std::unique_ptr<Connection>;

// What an attested connection needs of the world. lifetime: outlives the connection.
struct World {
  net::Timers& timers;
  const Clock& clock;
  crypto::Random& random;
};

// attest_stream makes an attested connection of `stream`, which is connected to `target`. CLIENT_SETTINGS or POLICY_* before any
// byte is sent; else what TLS, the evidence or the session refuses. The stream is closed on any failure.
Task<Result<ConnectionPtr>> attest_stream(World world, net::StreamPtr stream, Target target, Settings settings);

// connect dials `target` and attests. Names under .localhost are this machine (RFC 6761 §6.3).
Task<Result<ConnectionPtr>> connect(net::EventLoop& loop, crypto::Random& random, Target target, Settings settings);

}  // namespace cages::client
