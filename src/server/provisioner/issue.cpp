// SPDX-License-Identifier: Apache-2.0
#include "server/provisioner/issue.h"

#include <algorithm>

#include "base/limits.h"
#include "crypto/hpke.h"
#include "crypto/token.h"

namespace cages::server {
namespace {

Result<std::string> engine_token(const Admitted& admitted, const Issuers& issuers, WallTime now) {
  wire::EngineTokenClaims claims;
  claims.deployment = admitted.deployment().id;
  claims.session_key = crypto::sha256(admitted.keys().session_spki);
  claims.id = issuers.random.array<16>();
  claims.issued_at = unix_seconds(now);
  claims.expires_at = claims.issued_at + limits::kEngineTokenLifeMax.count();
  return crypto::issue_engine_token(claims, issuers.engine_token_key);
}

}  // namespace

Result<Issued> issue(const Admitted& admitted, std::vector<wire::NamedSecret> secrets, const Issuers& issuers, WallTime now) {
  const Deployment& deployment = admitted.deployment();
  const std::string name = deployment.cage + " version " + std::to_string(deployment.version);
  TRY_ASSIGN(const crypto::Certificate intermediate,
             crypto::certify_cage(issuers.cages, name, deployment.names, admitted.csr().public_key(), now,
                                  limits::kIntermediateLifeMax, issuers.random));

  wire::ProvisionSecrets sealed;
  sealed.secrets = std::move(secrets);
  std::ranges::sort(sealed.secrets, {}, &wire::NamedSecret::name);
  TRY_ASSIGN(sealed.engine_token, engine_token(admitted, issuers, now));
  sealed.engine_token_expires_at = unix_seconds(now) + limits::kEngineTokenLifeMax.count();
  TRY_ASSIGN(const Secret plaintext, wire::write_provision_secrets(sealed));
  const Bytes info = wire::provision_info(deployment.id, admitted.token().id, admitted.evidence().document_digest());
  TRY_ASSIGN(crypto::HpkeSealed box, crypto::hpke_seal(admitted.keys().sealing_key, info, {}, plaintext.reveal()));

  Issued out{{{intermediate.der(), issuers.cages.certificate.der()}, std::move(box.enc), std::move(box.ct)},
             intermediate.not_after()};
  return out;
}

}  // namespace cages::server
