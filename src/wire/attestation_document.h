// SPDX-License-Identifier: Apache-2.0
// The payload of an attestation document (nitro.md §3.1), bytes to a type and back. What is parsed here is *claimed*, not
// proven: only attest/verify.h makes a Verified out of it. For wire/, attest/ and the software NSM.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/pcr.h"
#include "base/result.h"

namespace cages::wire {

// What a document says about an enclave. Alone it proves nothing.
struct DocumentClaims {
  std::string module_id;           // "i-<hex>-enc<hex>"
  std::uint64_t timestamp_ms = 0;  // since the epoch, by the hypervisor's clock
  PcrValues pcrs;
  std::optional<Bytes> public_key;
  std::optional<Bytes> user_data;
  std::optional<Bytes> nonce;
};

// untrusted: anybody can make one.
struct UnverifiedDocument {
  DocumentClaims claims;
  Bytes certificate;            // DER, the leaf
  std::vector<Bytes> cabundle;  // DER, root first
  std::vector<std::string> unknown_keys;  // text keys that this version does not know; reported, never acted on
};

// parse_payload reads one payload: one map with text keys, definite or not (AWS writes both), no key twice at any level.
// Fails with the class of the step of nitro.md §3.4 (3 to 5) that refuses it.
Result<UnverifiedDocument> parse_payload(ByteView payload);

// AWS's hypervisor wrote the outer map with a definite length until 2025 and without one since.
enum class MapForm : std::uint8_t { definite, indefinite };

// write_payload writes a payload as AWS does: nine keys in AWS's order, null where an optional is not set. `document` is
// written as it is; unknown_keys are not.
Bytes write_payload(const UnverifiedDocument& document, MapForm form = MapForm::indefinite);

}  // namespace cages::wire
