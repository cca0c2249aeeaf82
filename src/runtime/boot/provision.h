// SPDX-License-Identifier: Apache-2.0
// Provisioning from the cage's side (design §4.3 to 4.7): token from the host, document over it, TLS to the platform
// that the image names, grant. The host carries all of it and can only prevent it. Each try is whole and new: nothing
// of one is used in another.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "attest/nsm_client.h"
#include "crypto/authority.h"
#include "crypto/certificate.h"
#include "crypto/hash.h"
#include "net/event_loop.h"
#include "policy/lease.h"
#include "runtime/boot/clock.h"
#include "runtime/boot/control.h"
#include "runtime/boot/journal.h"
#include "runtime/boot/keys.h"
#include "wire/provision.h"

namespace cages::runtime {

// What the platform granted. Only Provisioner makes one, after every check; without one there is no leaf, no session
// signature and no served byte.
class Granted {
 public:
  [[nodiscard]] const std::vector<crypto::Certificate>& chain() const { return chain_; }  // for the CA key first
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }          // what the chain permits
  [[nodiscard]] const wire::ProvisionSecrets& secrets() const { return secrets_; }
  [[nodiscard]] policy::Grant lease() const;

 private:
  friend class Provisioner;
  std::vector<crypto::Certificate> chain_;
  std::vector<std::string> names_;
  wire::ProvisionSecrets secrets_;
};

// What a Provisioner may use. lifetime: everything outlives it.
struct ProvisionPowers {
  net::EventLoop& loop;
  net::PortDialer& host;
  attest::Nsm& nsm;
  Control& control;
  Journal& journal;
  TrustedClock& clock;
  const Keys& keys;
};

class Provisioner {
 public:
  // `roots`: the platform roots measured into the image.
  Provisioner(ProvisionPowers powers, std::vector<crypto::KeyHash> roots) : powers_(powers), roots_(std::move(roots)) {}

  // obtain tries once. TOKEN_REFUSED, TOKEN_*; CHAIN_*, TLS_*; PROVISION_REFUSED with the platform's code; SEALED; CERTIFICATE;
  // TIMEOUT, CLOSED, UNREACHABLE. The journal hears of it at the first try and wherever a stage's outcome changes.
  Task<Result<Granted>> obtain();
  // obtain_first tries until it succeeds, the platform refuses for good, or kProvisionTime is over; then the last
  // error.
  Task<Result<Granted>> obtain_first();

 private:
  Task<Result<Granted>> attempt(std::string_view& stage);
  Task<Result<wire::ProvisionAnswer>> exchange(const std::string& token, std::string_view& stage,
                                               crypto::Digest384& digest);
  Result<Granted> open(const wire::ProvisionGrant& grant, const std::string& token,
                       const crypto::Digest384& digest) const;
  Result<Bytes> make_hello(const std::string& token, ByteView exporter, crypto::Digest384& digest);
  void note(std::string_view stage, const Result<void>& outcome);

  ProvisionPowers powers_;
  std::vector<crypto::KeyHash> roots_;
  std::map<std::string, std::string> noted_;  // what the journal heard last of each stage
};

// check_granted_chain: CERTIFICATE unless a granted chain, which clients will be shown, begins with a certificate for our CA key,
// is whole and in time.
Result<void> check_granted_chain(const std::vector<crypto::Certificate>& chain, const crypto::PublicKey& ca_key, WallTime now);
// permitted_names: the DNS names of critical name constraints, as crypto::name_constraints writes them. CERTIFICATE
// where there are none, more than kHostNamesMax, or anything else is permitted.
Result<std::vector<std::string>> permitted_names(const crypto::Certificate& intermediate);

}  // namespace cages::runtime
