// SPDX-License-Identifier: Apache-2.0
// Everything about an attestation document that can be judged without cryptography (nitro.md §3.4 steps 1 to 6). Sees base,
// wire and policy alone, so that the same code can run where no OpenSSL is. For attest/verify.cpp, which discharges the
// obligations: nothing in an Examined is proven before that.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "attest/core/chain.h"
#include "base/bytes.h"
#include "base/result.h"
#include "wire/attestation_document.h"

namespace cages::attest {

struct Examined {
  wire::UnverifiedDocument document;
  std::size_t root = 0;  // which of the roots the chain begins with
  std::int64_t leaf_not_before = 0;
  std::int64_t leaf_not_after = 0;
  // In the order in which they are to be discharged; the document's own signature comes last.
  std::vector<Obligation> obligations;
  // Where set, the document is refused even if every obligation holds.
  std::optional<Error> refusal;
};

// examine reads one document and walks its chain at time `now` (seconds since the epoch) against `roots` (DER, compared byte
// by byte). Fails with the class of the first step that refuses; bounded work, nothing recursive, on any bytes.
Result<Examined> examine(ByteView document, std::span<const ByteView> roots, std::int64_t now);

}  // namespace cages::attest
