// SPDX-License-Identifier: Apache-2.0
#include "server/provisioner/admit.h"

#include <algorithm>

#include "attest/evidence.h"
#include "base/check.h"
#include "base/limits.h"
#include "crypto/authority.h"
#include "policy/pcr_policy.h"
#include "wire/attestation_document.h"
#include "wire/cose.h"
#include "wire/provision.h"

namespace cages::server {
namespace {

using wire::DocumentClaims;

// token_of reads the token out of a document that nobody has verified: it decides which root the document is verified under.
Result<wire::UnverifiedToken> token_of(ByteView document) {
  if (document.size() > limits::kDocumentBytesMax) return fail(Code::LIMIT, "document");
  TRY_ASSIGN(const wire::CoseSign1 cose, wire::parse_cose_sign1(document));
  TRY_ASSIGN(const wire::UnverifiedDocument unverified, wire::parse_payload(cose.payload));
  TRY(attest::require_purpose(unverified.claims.user_data, attest::Purpose::provisioning));
  return wire::parse_token(as_text(*unverified.claims.user_data));
}

Result<void> check_carrier(const wire::TokenClaims& token, const Carrier& carrier) {
  const bool same_host = token.host == carrier.host.id && token.host_key == carrier.host.key_hash;
  if (!CAGES_CHECK("TOKEN_HOST", same_host)) {
    return fail(Code::TOKEN_HOST, "", wire::write_id(token.host), wire::write_id(carrier.host.id));
  }
  if (!CAGES_CHECK("TOKEN_ADDRESS", !carrier.address.empty() && token.address == carrier.address)) {
    return fail(Code::TOKEN_ADDRESS, "", printable(token.address), printable(carrier.address));
  }
  return {};
}

// root_of picks the one root of the deployment's class: a document under any other is refused by its chain.
Result<attest::TrustRoot> root_of(const Deployment& deployment, const Trust& trust) {
  const bool debug = deployment.evidence_class == kClassNitroDebug;
  const std::string_view wanted = debug ? kClassNitro : std::string_view(deployment.evidence_class);
  const auto root = std::ranges::find(trust.roots, wanted, &attest::TrustRoot::evidence_class);
  const bool allowed = deployment.evidence_class == kClassNitro || trust.development;
  if (root == trust.roots.end() || !CAGES_CHECK("PROV_CLASS", allowed)) {
    return fail(Code::PROV_CLASS, "", trust.development ? "a class whose root is known" : std::string(kClassNitro),
                printable(deployment.evidence_class));
  }
  return *root;
}

Result<attest::Verified> verify_document(ByteView document, const Deployment& deployment, const Trust& trust, WallTime now) {
  TRY_ASSIGN(const attest::TrustRoot root, root_of(deployment, trust));
  policy::AttestationPolicy rules;
  rules.any_pcrs = true;  // compared below, by what was measured at upload
  rules.max_age_s = limits::kProvisionDocumentAgeMax.count();
  rules.skew_s = limits::kProvisionDocumentAgeMax.count();
  rules.allow_debug = deployment.evidence_class == kClassNitroDebug;
  TRY_ASSIGN(const policy::AdmittedPolicy admitted, policy::admit(std::move(rules)));
  return attest::verify(document, {&root, 1}, unix_seconds(now), admitted);
}

// equals: the document has the register and it holds `expected`; zeros, what a debug enclave shows, equal nothing.
bool equals(const DocumentClaims& claims, std::uint8_t index, const Pcr& expected) {
  const auto found = claims.pcrs.find(index);
  return found != claims.pcrs.end() && !all_zero(expected) && found->second == expected;
}

// The hypervisor says by PCR4 on which instance, and by PCR3 in which role, an enclave runs (AWS: "PCR3 … IAM role").
Result<void> check_instance(const DocumentClaims& claims, const Deployment& deployment, const Host& host) {
  if (deployment.evidence_class != kClassNitro && deployment.evidence_class != kClassNitroDebug) return {};
  const bool right = host.pcr4 && equals(claims, 4, *host.pcr4) && (!host.pcr3 || equals(claims, 3, *host.pcr3));
  if (CAGES_CHECK("PROV_INSTANCE", right)) return {};
  return fail(Code::PROV_INSTANCE, "", host.pcr4 ? "PCR4 " + hex(*host.pcr4) : "a host enrolled with its PCR4", "another");
}

Result<void> check_nonce(const DocumentClaims& claims, const Presented& presented) {
  const auto wanted = crypto::sha384(wire::provision_nonce_input(presented.csr, presented.exporter));
  if (CAGES_CHECK("PROV_NONCE", claims.nonce && equal_constant_time(*claims.nonce, wanted))) return {};
  return fail(Code::PROV_NONCE);
}

Result<wire::RuntimeKeySet> check_keys(const DocumentClaims& claims, const crypto::Csr& csr) {
  if (!claims.public_key) return fail(Code::PROV_KEYS, "", "the runtime's keys in public_key", "none");
  const auto keys = wire::parse_key_set(*claims.public_key);
  if (!keys) return fail(Code::PROV_KEYS, "", "the runtime's keys in public_key", describe(keys.error()));
  if (!CAGES_CHECK("PROV_KEYS", keys->ca_digest == crypto::key_hash(csr.public_key()))) {
    return fail(Code::PROV_KEYS, "", "the CA key " + hex(keys->ca_digest), hex(crypto::key_hash(csr.public_key())));
  }
  return *keys;
}

Result<void> check_pcrs(const attest::Verified& evidence, const Deployment& deployment) {
  // A debug enclave shows zeros and proves no code: it belongs to a class of its own, with secrets of its own.
  if (deployment.evidence_class == kClassNitroDebug && evidence.debug()) return {};
  const DocumentClaims& claims = evidence.claims();
  const bool same =
      equals(claims, 0, deployment.pcr0) && equals(claims, 1, deployment.pcr1) && equals(claims, 2, deployment.pcr2);
  if (CAGES_CHECK("PROV_PCRS", same)) return {};
  const auto got = claims.pcrs.find(0);
  return fail(Code::PROV_PCRS, "", "PCR0 " + hex(deployment.pcr0), got == claims.pcrs.end() ? "none" : hex(got->second));
}

Result<void> check_signer(const DocumentClaims& claims, const Deployment& deployment, const App& app) {
  const auto found = claims.pcrs.find(8);
  const bool is_signed = found != claims.pcrs.end() && !all_zero(found->second);
  const bool as_uploaded = deployment.pcr8 ? is_signed && found->second == *deployment.pcr8 : !is_signed;
  const bool accepted =
      app.signers.empty() || (is_signed && std::ranges::find(app.signers, found->second) != app.signers.end());
  if (CAGES_CHECK("PROV_SIGNER", as_uploaded && accepted)) return {};
  return fail(Code::PROV_SIGNER, "", deployment.pcr8 ? "PCR8 " + hex(*deployment.pcr8) : "one of the app's signers",
              is_signed ? hex(found->second) : "not signed");
}

Result<void> check_state(const Deployment& deployment, const App& app, const Carrier& carrier) {
  const bool runs = deployment.state == DeploymentState::live || deployment.state == DeploymentState::rolling;
  const bool assigned = !deployment.host || *deployment.host == carrier.host.id;
  if (CAGES_CHECK("PROV_STATE", runs && deployment.version >= app.floor && assigned)) return {};
  return fail(Code::PROV_STATE, "", "live or rolling, version at least " + std::to_string(app.floor) + ", on its host",
              std::string(to_text(deployment.state)) + ", version " + std::to_string(deployment.version));
}

}  // namespace

Result<Admitted> admit(const Presented& presented, const Carrier& carrier, const Trust& trust, Ledger& ledger, WallTime now) {
  TRY_ASSIGN(const wire::UnverifiedToken unverified, token_of(presented.document));
  TRY_ASSIGN(const crypto::VerifiedToken token,
             crypto::verify_token(unverified, trust.token_key, wire::kTokenAudience, now));
  TRY(check_carrier(token.claims(), carrier));

  TRY_ASSIGN(const bool first, ledger.burn(token.claims().id, token.claims().expires_at));
  if (!CAGES_CHECK("TOKEN_REPLAYED", first)) return fail(Code::TOKEN_REPLAYED, "", "once", wire::write_id(token.claims().id));

  TRY_ASSIGN(const std::optional<Deployment> deployment, ledger.deployment(token.claims().deployment));
  if (!deployment) return fail(Code::PROV_DEPLOYMENT, "", "a deployment", wire::write_id(token.claims().deployment));
  TRY_ASSIGN(const std::optional<App> app, ledger.app(deployment->app));
  if (!app) return fail(Code::PROV_DEPLOYMENT, "", "an app", deployment->app);

  TRY_ASSIGN(attest::Verified evidence, verify_document(presented.document, *deployment, trust, now));
  TRY(check_instance(evidence.claims(), *deployment, carrier.host));
  TRY(check_nonce(evidence.claims(), presented));
  TRY_ASSIGN(crypto::Csr csr, crypto::Csr::from_der(presented.csr));
  TRY_ASSIGN(wire::RuntimeKeySet keys, check_keys(evidence.claims(), csr));
  TRY(check_pcrs(evidence, *deployment));
  TRY(check_signer(evidence.claims(), *deployment, *app));
  TRY(check_state(*deployment, *app, carrier));
  return Admitted(*deployment, token.claims(), std::move(evidence), std::move(keys), std::move(csr));
}

}  // namespace cages::server
