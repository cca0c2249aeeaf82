// SPDX-License-Identifier: Apache-2.0
// Evidence in TLS (design §5): the attestation document carried in a server's leaf certificate, and what it was made for. For
// whoever issues such a leaf (the runtime) and whoever judges one (clients).
#pragma once

#include <span>
#include <string>

#include "attest/verify.h"
#include "base/bytes.h"
#include "base/result.h"
#include "crypto/certificate.h"
#include "wire/runtime_key_set.h"

namespace cages::attest {

// What a runtime's document is for, as its user_data says: the DER SubjectPublicKeyInfo of a TLS key (begins 0x30), a
// provisioning token (a JWT, begins "ey"), or an app's own challenge after a prefix. No value of one is one of another.
enum class Purpose : std::uint8_t { tls, provisioning, app };

// purpose_of: PURPOSE where user_data is absent or of no kind.
Result<Purpose> purpose_of(const std::optional<Bytes>& user_data);
// require_purpose: PURPOSE unless a document with this user_data was made for `purpose`.
Result<void> require_purpose(const std::optional<Bytes>& user_data, Purpose purpose);
// app_user_data returns the user_data of a document that an app asks for over the local API: "cage-app/1\0" ‖ challenge.
// LIMIT where that is longer than the NSM signs.
Result<Bytes> app_user_data(ByteView challenge);

// evidence_extension returns the extension that carries `document` in a leaf (interfaces EVIDENCE): not critical, its value a
// DER OCTET STRING of the raw COSE_Sign1.
crypto::Extension evidence_extension(ByteView document);
// evidence_in returns the document that a certificate (DER) carries. NO_EVIDENCE, EVIDENCE_FORM or CERTIFICATE_PARSE.
// lifetime: looks into `certificate`.
Result<ByteView> evidence_in(ByteView certificate);

// What the certificate of an attested connection proves: code (the document), the key of this connection, and the keys that
// speak for the same enclave. Only verify_tls_evidence makes one.
class TlsEvidence {
 public:
  [[nodiscard]] const Verified& verified() const { return verified_; }
  [[nodiscard]] const wire::RuntimeKeySet& keys() const { return keys_; }
  [[nodiscard]] const Bytes& spki() const { return spki_; }  // of the leaf: user_data of the document

 private:
  TlsEvidence(Verified verified, wire::RuntimeKeySet keys, Bytes spki)
      : verified_(std::move(verified)), keys_(std::move(keys)), spki_(std::move(spki)) {}
  friend Result<TlsEvidence> verify_tls_evidence(ByteView leaf, std::span<const TrustRoot> roots, std::int64_t now,
                                                 const policy::AdmittedPolicy& policy);
  Verified verified_;
  wire::RuntimeKeySet keys_;
  Bytes spki_;
};

// verify_tls_evidence judges the leaf certificate (DER) of a connection whose handshake proved possession of its key: the
// document in it verifies under `policy` at `now`, is for TLS and for exactly this key, and outlives the leaf. Says nothing of
// host names or of the leaf's own chain. NO_EVIDENCE, EVIDENCE_*, PURPOSE, KEY_SET, or a class of verify().
Result<TlsEvidence> verify_tls_evidence(ByteView leaf, std::span<const TrustRoot> roots, std::int64_t now,
                                        const policy::AdmittedPolicy& policy);

}  // namespace cages::attest
