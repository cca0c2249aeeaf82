// SPDX-License-Identifier: Apache-2.0
// HPKE (RFC 9180), base mode, one message a key: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. Base mode says nothing
// of who sealed: what carries the sealed bytes authenticates the sender. For provisioning and for whoever seals to a cage.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace cages::crypto {

inline constexpr std::size_t kHpkeKeyBytes = 32;

// The suite's AEAD. Ours is AES-256-GCM; AES-128-GCM is here for the vectors of RFC 9180 A.1.
enum class HpkeAead : std::uint16_t { aes_128_gcm = 1, aes_256_gcm = 2 };

class HpkePrivateKey {
 public:
  static Result<HpkePrivateKey> generate();
  // from_bytes takes the 32 bytes of an X25519 private key (RFC 7748 §5).
  static Result<HpkePrivateKey> from_bytes(Secret bytes);
  [[nodiscard]] const Bytes& public_key() const { return public_; }  // 32 bytes
  // secret: the 32 bytes of the key.
  [[nodiscard]] const Secret& bytes() const { return bytes_; }

 private:
  HpkePrivateKey(Secret bytes, Bytes pub) : bytes_(std::move(bytes)), public_(std::move(pub)) {}
  Secret bytes_;
  Bytes public_;
};

struct HpkeSealed {
  Bytes enc;  // 32 bytes
  Bytes ct;   // plaintext + 16 bytes
};

// hpke_seal: SealBase of RFC 9180 §6.1 to a 32-byte X25519 public key. HPKE_KEY where that is no key to agree with.
Result<HpkeSealed> hpke_seal(ByteView recipient, ByteView info, ByteView aad, ByteView plaintext);
// hpke_seal_with: the same with an ephemeral key and AEAD of the caller's, for vectors; an ephemeral key is used once.
Result<HpkeSealed> hpke_seal_with(const HpkePrivateKey& ephemeral, HpkeAead aead, ByteView recipient, ByteView info,
                                  ByteView aad, ByteView plaintext);
// untrusted: hpke_open: OpenBase. SEALED where key, info, aad or a byte is another; HPKE_KEY where `enc` is no key.
Result<Secret> hpke_open(const HpkePrivateKey& key, ByteView enc, ByteView info, ByteView aad, ByteView ct,
                         HpkeAead aead = HpkeAead::aes_256_gcm);

}  // namespace cages::crypto
