// SPDX-License-Identifier: Apache-2.0
// TestAuthority: signs attestation documents shaped like AWS's, under a root of its own. For tests that need documents; the
// software NSM has its own signer.
#pragma once

#include <functional>
#include <vector>

#include "attest/root.h"
#include "crypto/certificate.h"
#include "crypto/key.h"
#include "wire/attestation_document.h"

namespace cages::test {

inline constexpr std::size_t kChain = 5;  // root, regional, zonal, instance, leaf

class TestAuthority {
 public:
  // Changes the fields of certificate `place` (0 = root, 4 = leaf) before it is signed.
  using Change = std::function<void(std::size_t place, crypto::CertificateFields& fields)>;
  // A chain around `now` (seconds since the epoch): the leaf lives from now - 3 s for 10,803 s.
  explicit TestAuthority(std::int64_t now, const Change& change = {}, crypto::Curve leaf_curve = crypto::Curve::p384);

  [[nodiscard]] attest::TrustRoot root() const;
  // Claims that pass every rule at `now`, with PCR0, 1, 2, 4 and 8 of different non-zero bytes.
  [[nodiscard]] wire::DocumentClaims claims() const;
  // The document that says `claims`.
  [[nodiscard]] Bytes document(const wire::DocumentClaims& claims) const;
  // Any payload, signed by the leaf.
  [[nodiscard]] Bytes sign(ByteView payload) const;
  [[nodiscard]] wire::UnverifiedDocument unsigned_document(const wire::DocumentClaims& claims) const;

 private:
  std::int64_t now_;
  std::vector<crypto::PrivateKey> keys_;
  std::vector<Bytes> certificates_;
};

}  // namespace cages::test
