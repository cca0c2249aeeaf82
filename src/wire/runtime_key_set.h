// SPDX-License-Identifier: Apache-2.0
// RuntimeKeySet: what every document of a cage's runtime has in `public_key` (design §4.3): the keys that the document speaks
// for, besides TLS. Canonical CBOR {1: S, 2: K, 3: SHA-384(CA SubjectPublicKeyInfo)}, at most kPublicKeyBytesMax bytes.
#pragma once

#include <array>

#include "base/bytes.h"
#include "base/result.h"

namespace cages::wire {

struct RuntimeKeySet {
  Bytes session_spki;                 // S: signs sessions and engine proofs; DER SubjectPublicKeyInfo
  std::array<Byte, 32> sealing_key{};  // K: X25519, what is sealed to the runtime (HPKE)
  std::array<Byte, 48> ca_digest{};    // SHA-384 over the DER SubjectPublicKeyInfo of the key that signs TLS leaves
  friend bool operator==(const RuntimeKeySet&, const RuntimeKeySet&) = default;
};

// write_key_set: LIMIT where it would be longer than a document's public_key may be.
Result<Bytes> write_key_set(const RuntimeKeySet& keys);
// parse_key_set: KEY_SET unless the bytes are exactly what write_key_set writes.
Result<RuntimeKeySet> parse_key_set(ByteView bytes);

}  // namespace cages::wire
