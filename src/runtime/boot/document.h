// SPDX-License-Identifier: Apache-2.0
// OwnDocument: an attestation document that the runtime has just asked its own NSM for, with what the runtime needs to
// know of it. Not verified: the NSM is what the runtime believes anyway; others verify it (attest/verify.h).
#pragma once

#include "attest/nsm_client.h"
#include "base/clock.h"
#include "crypto/hash.h"

namespace cages::runtime {

struct OwnDocument {
  Bytes bytes;              // COSE_Sign1
  WallTime time;            // the hypervisor's clock
  WallTime leaf_not_after;  // of the certificate that signed it: nobody accepts it later
  [[nodiscard]] crypto::Digest384 digest() const { return crypto::sha384(bytes); }
};

// ask_document: the NSM's errors; COSE_*, CBOR's and CERTIFICATE where its answer is no document.
Result<OwnDocument> ask_document(attest::Nsm& nsm, const wire::NsmAttestationRequest& request);

}  // namespace cages::runtime
