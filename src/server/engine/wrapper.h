// SPDX-License-Identifier: Apache-2.0
// KeyWrapper: what keeps the engine's private keys while they lie in the store. The default is a master key in a file
// of its own (0600); a hardware module is another implementation of the same two functions. For the engine.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/random.h"

namespace cages::server {

class KeyWrapper {
 public:
  virtual ~KeyWrapper() = default;
  // wrap: `place` says what the key is and whose: it unwraps in no other.
  virtual Result<Bytes> wrap(std::string_view place, const Secret& key) = 0;
  // unwrap: SEALED where it was wrapped for another place or under another master key.
  virtual Result<Secret> unwrap(std::string_view place, ByteView wrapped) = 0;
};

// wrapper_in_file: the master key is the 32 bytes of `path`, made where there is none; MASTER_KEY where others can read
// it. lifetime: `random` outlives it.
Result<std::unique_ptr<KeyWrapper>> wrapper_in_file(const std::filesystem::path& path, crypto::Random& random);

}  // namespace cages::server
