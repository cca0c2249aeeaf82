// SPDX-License-Identifier: Apache-2.0
// Sealer: secrets at rest, AES-256-GCM under a master key that lies in a file of its own (0600), so that neither a copy of the
// database nor a dump of it tells one. For server/store.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/random.h"

namespace cages::server {

class Sealer {
 public:
  // open_or_create reads the 32 bytes of `path`, or makes them. MASTER_KEY where others could have read it; SEALED where it has
  // another length. lifetime: `random` outlives it.
  static Result<Sealer> open_or_create(const std::filesystem::path& path, crypto::Random& random);
  Sealer(Secret key, crypto::Random& random) : key_(std::move(key)), random_(&random) {}

  // seal returns nonce ‖ ciphertext ‖ tag. `place` says what it is and whose: it opens in no other.
  Result<Bytes> seal(std::string_view place, ByteView plaintext) const;
  // open: SEALED where it was sealed for another place or under another key.
  Result<Secret> open(std::string_view place, ByteView sealed) const;

 private:
  Secret key_;
  crypto::Random* random_;
};

}  // namespace cages::server
