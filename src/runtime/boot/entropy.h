// SPDX-License-Identifier: Apache-2.0
// Entropy from the NSM into the kernel's pool and OpenSSL's generator, before the first key is made. A host that
// controls the machine's clock and devices must not be able to guess what the kernel has gathered by itself.
#pragma once

#include "attest/nsm_client.h"
#include "base/result.h"

namespace cages::runtime {

// seed: ENTROPY where the NSM gives too little; its own errors else. Returns whether the kernel took it as entropy (it
// needs a privilege that a user namespace does not have); else it was mixed in uncounted.
Result<bool> seed(attest::Nsm& nsm);

}  // namespace cages::runtime
