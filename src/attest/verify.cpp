// SPDX-License-Identifier: Apache-2.0
#include "attest/verify.h"

#include "base/check.h"
#include "crypto/key.h"

namespace cages::attest {
namespace {

bool holds(const Obligation& obligation) {
  crypto::Curve curve = crypto::Curve::p384;
  switch (obligation.curve) {
    case wire::KeyType::p256: curve = crypto::Curve::p256; break;
    case wire::KeyType::p384: break;
    case wire::KeyType::p521: curve = crypto::Curve::p521; break;
    case wire::KeyType::other: return false;
  }
  const auto key = crypto::PublicKey::from_point(curve, obligation.key);
  return key && key->verify(obligation.message, obligation.signature);
}

bool accepted(const Obligation& obligation) {
  switch (obligation.when_bad) {
    case Code::CHAIN: return CAGES_CHECK("CHAIN", holds(obligation));
    case Code::CHAIN_SIGNATURE: return CAGES_CHECK("CHAIN_SIGNATURE", holds(obligation));
    default: return CAGES_CHECK("COSE_SIGNATURE", holds(obligation));
  }
}

Result<void> discharge(const Examined& examined) {
  for (const Obligation& obligation : examined.obligations) {
    if (!accepted(obligation)) return fail(obligation.when_bad, obligation.subject, "the issuer's signature", "another");
  }
  if (examined.refusal) return fail(*examined.refusal);
  return {};
}

}  // namespace

Result<Verified> verify(ByteView document, std::span<const TrustRoot> roots, std::int64_t now,
                        const policy::AdmittedPolicy& policy) {
  std::vector<ByteView> pinned;
  for (const TrustRoot& root : roots) pinned.emplace_back(root.der());
  TRY_ASSIGN(Examined examined, examine(document, pinned, now));
  TRY(discharge(examined));
  const wire::DocumentClaims& claims = examined.document.claims;
  Verified result;
  TRY_ASSIGN(result.judgement_, policy::judge(policy,
                                              policy::Evidence{claims.pcrs, claims.timestamp_ms, claims.nonce, claims.user_data,
                                                               claims.public_key, examined.leaf_not_before,
                                                               examined.leaf_not_after},
                                              now));
  if (examined.root >= roots.size()) return fail(Code::UNTRUSTED_ROOT, "cabundle[0]", "a root", "none");
  result.class_ = roots[examined.root].evidence_class();
  if (result.judgement_.debug && roots[examined.root].is_production()) result.class_ += "-debug";
  result.leaf_not_after_ = examined.leaf_not_after;
  result.digest_ = crypto::sha384(document);
  result.document_ = std::move(examined.document);
  return result;
}

}  // namespace cages::attest
