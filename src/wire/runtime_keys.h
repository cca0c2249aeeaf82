// SPDX-License-Identifier: Apache-2.0
// RuntimeKeys: what a runtime puts into `public_key` of every document it asks for (design §4.3), so that the hypervisor's
// signature covers its keys: canonical CBOR {1: S, 2: K, 3: SHA-384(CA SPKI)}. For the runtime, the provisioner, and clients.
#pragma once

#include <array>

#include "base/bytes.h"
#include "base/result.h"

namespace cages::wire {

struct RuntimeKeys {
  Bytes session_key;                   // S: DER SubjectPublicKeyInfo, P-256
  std::array<Byte, 32> sealing_key{};  // K: X25519, for HPKE
  std::array<Byte, 48> ca_key_hash{};  // SHA-384 of the CA key's SubjectPublicKeyInfo
  bool operator==(const RuntimeKeys&) const = default;
};

// write_runtime_keys never gives more than kPublicKeyBytesMax.
Bytes write_runtime_keys(const RuntimeKeys& keys);
// untrusted: parse_runtime_keys accepts exactly what write gives; LIMIT, TYPE, MISSING, UNKNOWN_KEY, CBOR and its kin.
Result<RuntimeKeys> parse_runtime_keys(ByteView bytes);

}  // namespace cages::wire
