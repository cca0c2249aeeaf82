// SPDX-License-Identifier: Apache-2.0
// Signer: signs with a key that its user need not see, so that the user does not choose how: with a random nonce
// (OpenSSL), or by RFC 6979 where the same input must give the same bytes (crypto/deterministic).
#pragma once

#include "crypto/key.h"

namespace cages::crypto {

class Signer {
 public:
  virtual ~Signer() = default;
  [[nodiscard]] virtual const PublicKey& public_key() const = 0;
  // sign returns r||s over the curve's own hash of `message`.
  [[nodiscard]] virtual Result<Bytes> sign(ByteView message) const = 0;
};

// lifetime: keeps a reference to the key.
class RandomizedSigner final : public Signer {
 public:
  explicit RandomizedSigner(const PrivateKey& key) : key_(key) {}
  [[nodiscard]] const PublicKey& public_key() const override { return key_.public_key(); }
  [[nodiscard]] Result<Bytes> sign(ByteView message) const override { return key_.sign(message); }

 private:
  const PrivateKey& key_;
};

}  // namespace cages::crypto
