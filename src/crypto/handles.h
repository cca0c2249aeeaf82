// SPDX-License-Identifier: Apache-2.0
// Owners of OpenSSL's objects, and which hash goes with a curve. For the .cpp files of crypto/ alone.
#pragma once

#include <openssl/evp.h>

#include "crypto/key.h"

namespace cages::crypto {

template <auto F>
struct Free {
  template <class T>
  void operator()(T* p) const {
    F(p);
  }
};

// hash_of: P-256 signs over SHA-256, P-384 over SHA-384, P-521 over SHA-512 (RFC 7518 §3.4).
inline const EVP_MD* hash_of(Curve curve) {
  switch (curve) {
    case Curve::p256: return EVP_sha256();
    case Curve::p384: return EVP_sha384();
    case Curve::p521: return EVP_sha512();
  }
  return nullptr;
}

}  // namespace cages::crypto
