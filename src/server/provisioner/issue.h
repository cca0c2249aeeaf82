// SPDX-License-Identifier: Apache-2.0
// issue: what an admitted cage gets (design §4.6): the intermediate certificate for its CA key, its secrets and an engine token,
// the latter two sealed to the key that its document names. For caged's provisioner.
#pragma once

#include <vector>

#include "crypto/authority.h"
#include "crypto/random.h"
#include "server/provisioner/admit.h"
#include "wire/provision.h"

namespace cages::server {

struct Issuers {
  const crypto::Authority& cages;             // the root of the deployment's evidence class
  const crypto::PrivateKey& engine_token_key;
  crypto::Random& random;
};

struct Issued {
  wire::ProvisionGrant grant;
  WallTime until;  // notAfter of the intermediate: the lease
};

// issue: LIMIT where the secrets are too long for one grant.
Result<Issued> issue(const Admitted& admitted, std::vector<wire::NamedSecret> secrets, const Issuers& issuers, WallTime now);

}  // namespace cages::server
