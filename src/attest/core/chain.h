// SPDX-License-Identifier: Apache-2.0
// The certificate chain of an attestation document, judged without cryptography (nitro.md §3.4 step 6): one linear walk from
// the root to the leaf, in the order given, no path building. The signatures that it rests on come out as obligations.
// For attest/core/examine.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/x509.h"

namespace cages::attest {

// A signature that somebody with a crypto library must check before anything that rests on it may be believed.
struct Obligation {
  Code when_bad;          // CHAIN_SIGNATURE, CHAIN or COSE_SIGNATURE
  std::string subject;    // whose signature
  wire::KeyType curve;    // ECDSA with the curve's own hash
  Bytes key;              // uncompressed point
  Bytes message;
  Bytes signature;        // r||s of the curve's width; of another length it is bad
};

struct Walked {
  std::vector<Obligation> obligations;
  // Where set, the chain is refused whatever the obligations say; they only decide which class the refusal has.
  std::optional<Error> refusal;
};

// walk_chain judges `chain` (root, issuers, leaf) at time `now` in seconds. The root's own signature is no obligation: its
// bytes are pinned. CERT_*, CHAIN_*, BASIC_CONSTRAINTS, PATH_LENGTH, KEY_USAGE or LEAF_*.
Result<Walked> walk_chain(std::span<const wire::Certificate> chain, std::int64_t now);

}  // namespace cages::attest
