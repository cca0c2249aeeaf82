// SPDX-License-Identifier: Apache-2.0
// verify: an attestation document in, a Verified or the reason against it out (nitro.md §3.4). Time, roots and policy are
// arguments. For everybody who relies on an enclave; there is no other way to a Verified.
#pragma once

#include <cstdint>
#include <span>

#include "attest/core/examine.h"
#include "attest/root.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/hash.h"
#include "policy/pcr_policy.h"
#include "wire/attestation_document.h"

namespace cages::attest {

// What a document proves, all of nitro.md §3.4 having passed. Only verify() makes one.
class Verified {
 public:
  [[nodiscard]] const wire::DocumentClaims& claims() const { return document_.claims; }
  // Text keys of the payload that this version does not know.
  [[nodiscard]] const std::vector<std::string>& unknown_keys() const { return document_.unknown_keys; }
  // "nitro", "nitro-debug" or "development:<root hash>".
  [[nodiscard]] const std::string& evidence_class() const { return class_; }
  [[nodiscard]] bool debug() const { return judgement_.debug; }
  // Which of the policy's PCR sets matched; none where the policy said "any".
  [[nodiscard]] std::optional<std::size_t> pcr_set() const { return judgement_.pcr_set; }
  // Seconds since the epoch; a cached document must not be relied on any longer.
  [[nodiscard]] std::int64_t leaf_not_after() const { return leaf_not_after_; }
  // SHA-384 of the document's bytes. Not a replay key: signatures are malleable (nitro.md §3.6).
  [[nodiscard]] const crypto::Digest384& document_digest() const { return digest_; }

 private:
  Verified() = default;
  friend Result<Verified> verify(ByteView document, std::span<const TrustRoot> roots, std::int64_t now,
                                 const policy::AdmittedPolicy& policy);
  wire::UnverifiedDocument document_;
  std::string class_;
  policy::Judgement judgement_;
  std::int64_t leaf_not_after_ = 0;
  crypto::Digest384 digest_{};
};

// verify judges `document` at time `now` (seconds since the epoch; the verifier's own clock, or for archived evidence a time
// that the caller names, never the document's). The error's class is that of the first step that refuses.
Result<Verified> verify(ByteView document, std::span<const TrustRoot> roots, std::int64_t now,
                        const policy::AdmittedPolicy& policy);

}  // namespace cages::attest
