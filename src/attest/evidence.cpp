// SPDX-License-Identifier: Apache-2.0
#include "attest/evidence.h"

#include <algorithm>

#include "base/check.h"
#include "base/limits.h"
#include "wire/der.h"
#include "wire/oids.h"
#include "wire/x509.h"

namespace cages::attest {
namespace {

// With its NUL, so that no text that merely begins alike is taken for it.
constexpr std::string_view kAppPrefix("cage-app/1\0", 11);
// Every JWT begins with the base64url of `{"`.
constexpr std::string_view kTokenPrefix = "ey";

std::string_view name_of(Purpose purpose) {
  switch (purpose) {
    case Purpose::tls: return "a TLS key";
    case Purpose::provisioning: return "provisioning";
    case Purpose::app: return "an app's challenge";
  }
  return "";
}

}  // namespace

Result<Purpose> purpose_of(const std::optional<Bytes>& user_data) {
  if (user_data) {
    const std::string_view text = as_text(*user_data);
    if (text.starts_with(kAppPrefix)) return Purpose::app;
    if (text.starts_with(kTokenPrefix)) return Purpose::provisioning;
    if (text.starts_with(static_cast<char>(wire::der_tag::kSequence))) return Purpose::tls;
  }
  return fail(Code::PURPOSE, "user_data", "a TLS key, a token or an app's challenge",
              user_data ? printable(hex(*user_data), 32) : "none");
}

Result<void> require_purpose(const std::optional<Bytes>& user_data, Purpose purpose) {
  TRY_ASSIGN(const Purpose got, purpose_of(user_data));
  if (CAGES_CHECK("PURPOSE", got == purpose)) return {};
  return fail(Code::PURPOSE, "user_data", std::string(name_of(purpose)), std::string(name_of(got)));
}

Result<Bytes> app_user_data(ByteView challenge) {
  Bytes out = to_bytes(kAppPrefix);
  append(out, challenge);
  if (out.size() <= limits::kNsmUserDataBytesMax) return out;
  return fail(Code::LIMIT, "challenge", std::to_string(limits::kNsmUserDataBytesMax - kAppPrefix.size()) + " bytes",
              std::to_string(challenge.size()));
}

crypto::Extension evidence_extension(ByteView document) {
  return crypto::Extension{std::string(wire::oid::kEvidenceText), false,
                           wire::write_der(wire::der_tag::kOctetString, document)};
}

Result<ByteView> evidence_in(ByteView certificate) {
  TRY_ASSIGN(const wire::Certificate parsed, wire::parse_certificate(certificate));
  const wire::Extension* extension = parsed.find_extension(wire::oid::kEvidence);
  if (extension == nullptr) {
    return fail(Code::NO_EVIDENCE, "certificate", "extension " + std::string(wire::oid::kEvidenceText), "none");
  }
  if (extension->critical) return fail(Code::EVIDENCE_FORM, "", "an extension that is not critical", "a critical one");
  wire::DerReader reader(extension->value);
  const auto value = reader.read(wire::der_tag::kOctetString, "evidence");
  if (!value || !reader.at_end()) return fail(Code::EVIDENCE_FORM, "", "one OCTET STRING", "another value");
  return value->content;
}

Result<TlsEvidence> verify_tls_evidence(ByteView leaf, std::span<const TrustRoot> roots, std::int64_t now,
                                        const policy::AdmittedPolicy& policy) {
  TRY_ASSIGN(const ByteView document, evidence_in(leaf));
  TRY_ASSIGN(const wire::Certificate certificate, wire::parse_certificate(leaf));
  TRY_ASSIGN(Verified verified, verify(document, roots, now, policy));
  TRY(require_purpose(verified.claims().user_data, Purpose::tls));
  const Bytes& bound = *verified.claims().user_data;
  if (!CAGES_CHECK("EVIDENCE_KEY", equal_constant_time(bound, certificate.spki))) {
    return fail(Code::EVIDENCE_KEY, "user_data", hex(crypto::sha384(certificate.spki)), hex(crypto::sha384(bound)));
  }
  if (!CAGES_CHECK("EVIDENCE_LIFETIME", certificate.not_after <= verified.leaf_not_after())) {
    return fail(Code::EVIDENCE_LIFETIME, "certificate", "at most " + std::to_string(verified.leaf_not_after()),
                std::to_string(certificate.not_after));
  }
  TRY_ASSIGN(wire::RuntimeKeySet keys, wire::parse_key_set(verified.claims().public_key.value_or(Bytes())));
  return TlsEvidence(std::move(verified), std::move(keys), to_bytes(certificate.spki));
}

}  // namespace cages::attest
