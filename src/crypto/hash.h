// SPDX-License-Identifier: Apache-2.0
// SHA-256 and SHA-384, whole or in pieces. For every part that may see crypto/.
#pragma once

#include <array>
#include <memory>

#include "base/bytes.h"

struct evp_md_ctx_st;

namespace cages::crypto {

using Digest256 = std::array<Byte, 32>;
using Digest384 = std::array<Byte, 48>;

Digest256 sha256(ByteView data);
Digest384 sha384(ByteView data);

// A hash fed in pieces; finish() may be called once.
class Hasher {
 public:
  enum class Algorithm { sha256, sha384 };
  explicit Hasher(Algorithm algorithm);
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  void update(ByteView data);
  // finish returns 32 or 48 bytes.
  Bytes finish();

 private:
  evp_md_ctx_st* context_;
};

}  // namespace cages::crypto
