// SPDX-License-Identifier: Apache-2.0
// Keys: one key a purpose (design §4.3), made here after the NSM has given entropy; none ever leaves the enclave.
#pragma once

#include "base/result.h"
#include "crypto/hpke.h"
#include "crypto/key.h"
#include "wire/runtime_key_set.h"

namespace cages::runtime {

struct Keys {
  crypto::PrivateKey tls;          // the leaf's
  crypto::PrivateKey ca;           // signs leaves, under the intermediate that the platform grants
  crypto::PrivateKey session;      // S: signs sessions and engine proofs
  crypto::HpkePrivateKey sealing;  // K: what is sealed to the cage

  static Result<Keys> make();
  [[nodiscard]] wire::RuntimeKeySet public_set() const;
};

}  // namespace cages::runtime
