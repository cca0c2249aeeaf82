// SPDX-License-Identifier: Apache-2.0
// admit: who asks for a cage's identity and secrets, and may it have them (design §4.5). One function, every check in its order,
// each with an error class of its own; only what passed them all becomes Admitted, and only Admitted can be issued to. No I/O
// but the ledger's. For caged's provisioner.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "attest/verify.h"
#include "base/clock.h"
#include "crypto/certificate.h"
#include "crypto/token.h"
#include "server/store/records.h"
#include "wire/runtime_key_set.h"

namespace cages::server {

// What the enclave sent, and what its connection is.
struct Presented {
  Bytes document;
  Bytes csr;
  Bytes exporter;  // of the TLS session that it came over
};

// Who carried it: the host by its certificate, and where caged saw it.
struct Carrier {
  Host host;
  std::string address;  // canonical text
};

struct Trust {
  const crypto::PublicKey& token_key;
  std::span<const attest::TrustRoot> roots;  // every root that this caged knows; outside development, production's alone
  bool development = false;
};

// What the provisioner looks up and burns.
class Ledger {
 public:
  virtual ~Ledger() = default;
  // burn: true once for each id, false ever after.
  virtual Result<bool> burn(const Id& token, std::int64_t expires_at) = 0;
  virtual Result<std::optional<Deployment>> deployment(const Id& id) = 0;
  virtual Result<std::optional<App>> app(std::string_view id) = 0;
};

// Everything was checked. Only admit() makes one.
class Admitted {
 public:
  [[nodiscard]] const Deployment& deployment() const { return deployment_; }
  [[nodiscard]] const wire::TokenClaims& token() const { return token_; }
  [[nodiscard]] const attest::Verified& evidence() const { return evidence_; }
  [[nodiscard]] const wire::RuntimeKeySet& keys() const { return keys_; }
  [[nodiscard]] const crypto::Csr& csr() const { return csr_; }

 private:
  Admitted(Deployment deployment, wire::TokenClaims token, attest::Verified evidence, wire::RuntimeKeySet keys, crypto::Csr csr)
      : deployment_(std::move(deployment)), token_(std::move(token)), evidence_(std::move(evidence)), keys_(std::move(keys)),
        csr_(std::move(csr)) {}
  friend Result<Admitted> admit(const Presented&, const Carrier&, const Trust&, Ledger&, WallTime);
  Deployment deployment_;
  wire::TokenClaims token_;
  attest::Verified evidence_;
  wire::RuntimeKeySet keys_;
  crypto::Csr csr_;
};

// untrusted: admit judges what was presented at time `now`. In this order: the document's shape (its own classes), TOKEN_HEADER
// and TOKEN_FORMAT; TOKEN_SIGNATURE, TOKEN_EXPIRED, TOKEN_AUDIENCE, TOKEN_HOST, TOKEN_ADDRESS; TOKEN_REPLAYED;
// PROV_DEPLOYMENT, PROV_CLASS; attest/verify.h's classes under the one root of the deployment's class, PROV_INSTANCE;
// PROV_NONCE, PROV_KEYS (CSR and CSR_SIGNATURE); PROV_PCRS; PROV_SIGNER; PROV_STATE.
Result<Admitted> admit(const Presented& presented, const Carrier& carrier, const Trust& trust, Ledger& ledger, WallTime now);

}  // namespace cages::server
