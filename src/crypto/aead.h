// SPDX-License-Identifier: Apache-2.0
// AES-GCM (NIST SP 800-38D), 96-bit nonces, 128-bit tags: the primitive under HPKE and under secrets at rest. For crypto/ and
// server/store. The caller never uses a nonce twice under one key.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace cages::crypto {

inline constexpr std::size_t kAeadNonceBytes = 12;
inline constexpr std::size_t kAeadTagBytes = 16;

// aead_seal returns ciphertext ‖ tag. `key` is 16 or 32 bytes (AES-128 or AES-256), `nonce` 12; INTERNAL else.
Result<Bytes> aead_seal(const Secret& key, ByteView nonce, ByteView aad, ByteView plaintext);
// untrusted: aead_open returns the plaintext, or SEALED where key, nonce, aad or a byte of `sealed` is another.
Result<Secret> aead_open(const Secret& key, ByteView nonce, ByteView aad, ByteView sealed);

}  // namespace cages::crypto
