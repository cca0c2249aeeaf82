// SPDX-License-Identifier: Apache-2.0
// API keys: `id.secret`, of which caged keeps the id and the SHA-256 of the secret. For the API.
#pragma once

#include <string>
#include <string_view>

#include "crypto/random.h"
#include "server/store/store.h"

namespace cages::server {

// new_api_key makes a key and returns its text: shown once, kept by nobody here.
Result<Secret> new_api_key(Store& store, crypto::Random& random, std::string_view name);

// Who asks. Only authorise() makes one: no handler runs without it.
class Caller {
 public:
  [[nodiscard]] const std::string& key_id() const { return key_id_; }

 private:
  explicit Caller(std::string key_id) : key_id_(std::move(key_id)) {}
  friend Result<Caller> authorise(Store& store, std::string_view authorization);
  std::string key_id_;
};

// untrusted: authorise reads an Authorization header, "Bearer id.secret". UNAUTHORISED, all the same, for whatever is wrong.
Result<Caller> authorise(Store& store, std::string_view authorization);

}  // namespace cages::server
