// SPDX-License-Identifier: Apache-2.0
#include "runtime/boot/document.h"

#include <limits>

#include "crypto/certificate.h"
#include "wire/attestation_document.h"
#include "wire/cose.h"

namespace cages::runtime {

Result<OwnDocument> ask_document(attest::Nsm& nsm, const wire::NsmAttestationRequest& request) {
  OwnDocument own;
  TRY_ASSIGN(own.bytes, nsm.attestation(request));
  TRY_ASSIGN(const wire::CoseSign1 cose, wire::parse_cose_sign1(own.bytes));
  TRY_ASSIGN(const wire::UnverifiedDocument document, wire::parse_payload(cose.payload));
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() / 2);
  if (document.claims.timestamp_ms > kMost) return fail(Code::NSM_RESPONSE, "timestamp", "a time", "a far one");
  own.time = WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(document.claims.timestamp_ms)));
  TRY_ASSIGN(const crypto::Certificate leaf, crypto::Certificate::from_der(document.certificate));
  own.leaf_not_after = leaf.not_after();
  return own;
}

}  // namespace cages::runtime
