// SPDX-License-Identifier: Apache-2.0
#include "crypto/list_digest.h"

#include <algorithm>

#include "crypto/hash.h"

namespace cages::crypto {

wire::ListDigest list_digest(std::string_view canonical) {
  wire::ListDigest digest{};
  std::ranges::copy(ByteView(sha384(as_bytes(canonical))).first(digest.size()), digest.begin());
  return digest;
}

}  // namespace cages::crypto
