// SPDX-License-Identifier: Apache-2.0
// Signed texts of ours as COSE_Sign1 (RFC 9052): release statements, lists of runtimes, image signatures. The algorithm
// is the one that the key's curve has (ES256, ES384, ES512), never one that the text chooses. Not for attestation
// documents: attest/.
#pragma once

#include "crypto/signer.h"
#include "wire/cose.h"

namespace cages::crypto {

// sign_cose returns an untagged COSE_Sign1 over `payload`.
Result<Bytes> sign_cose(ByteView payload, const Signer& key);

// untrusted: read_cose reads an untagged COSE_Sign1 with an empty unprotected header; wire/cose.h's errors else. The
// signature is still to be verified. lifetime: the views look into `bytes`.
Result<wire::CoseSign1> read_cose(ByteView bytes);
// verify_cose: COSE_ALG where the text names another algorithm than that of the key's curve, COSE_SIGNATURE where it is
// not signed by `key`.
Result<void> verify_cose(const wire::CoseSign1& text, const PublicKey& key);

}  // namespace cages::crypto
