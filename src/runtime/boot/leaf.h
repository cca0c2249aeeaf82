// SPDX-License-Identifier: Apache-2.0
// The TLS leaf (design §5): signed here by the CA key under the granted intermediate, with the evidence in it, never
// valid longer than its document or the intermediate. Issued anew every kLeafRenewTime. Not before provisioning: it
// takes a Granted.
#pragma once

#include "crypto/random.h"
#include "runtime/boot/keys.h"
#include "runtime/boot/provision.h"

namespace cages::runtime {

// Its document says user_data = SPKI of the TLS key, public_key = the key set.
struct Leaf {
  std::vector<Bytes> chain_der;  // leaf first; the root is left out
  WallTime not_after;
};

// issue_leaf asks the NSM for a document and issues a leaf for it. The NSM's errors; INTERNAL where a field cannot be
// encoded.
Result<Leaf> issue_leaf(attest::Nsm& nsm, const Keys& keys, const Granted& granted, TrustedClock& clock,
                        crypto::Random& random);

}  // namespace cages::runtime
