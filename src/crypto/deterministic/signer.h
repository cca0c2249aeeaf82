// SPDX-License-Identifier: Apache-2.0
// ECDSA with the nonce of RFC 6979: the same key and message give the same signature, so that a signed image is as
// reproducible as an unsigned one. By GnuTLS, because OpenSSL 3.0 cannot do it. For the command line alone; no other
// program links GnuTLS.
#pragma once

#include "crypto/signer.h"

namespace cages::crypto {

// sign_deterministic returns r||s over the curve's own hash of `message`. INTERNAL where GnuTLS refuses.
Result<Bytes> sign_deterministic(const PrivateKey& key, ByteView message);

// lifetime: keeps a reference to the key.
class DeterministicSigner final : public Signer {
 public:
  explicit DeterministicSigner(const PrivateKey& key) : key_(key) {}
  [[nodiscard]] const PublicKey& public_key() const override { return key_.public_key(); }
  [[nodiscard]] Result<Bytes> sign(ByteView message) const override { return sign_deterministic(key_, message); }

 private:
  const PrivateKey& key_;
};

}  // namespace cages::crypto
