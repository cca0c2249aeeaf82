// SPDX-License-Identifier: Apache-2.0
#include "server/api/access.h"

#include "base/check.h"
#include "base/text.h"
#include "crypto/hash.h"

namespace cages::server {
namespace {

constexpr std::string_view kScheme = "Bearer ";
constexpr std::size_t kAuthorizationBytesMax = 256;

}  // namespace

Result<Secret> new_api_key(Store& store, crypto::Random& random, std::string_view name) {
  const std::string id = "key_" + hex(random.array<6>());
  const auto secret = random.array<32>();
  // The hash is of the text, so that nothing has to be decoded before it is compared.
  const std::string text = base64url(secret);
  TRY(store.add_api_key(id, name, crypto::sha256(as_bytes(text))));
  return Secret::copy_of(as_bytes(id + '.' + text));
}

Result<Caller> authorise(Store& store, std::string_view authorization) {
  if (authorization.size() > kAuthorizationBytesMax || !authorization.starts_with(kScheme)) return fail(Code::UNAUTHORISED);
  const auto parts = split(authorization.substr(kScheme.size()), '.');
  if (parts.size() != 2) return fail(Code::UNAUTHORISED);
  TRY_ASSIGN(const std::optional<Digest256> kept, store.api_key(parts[0]));
  const Digest256 shown = crypto::sha256(as_bytes(parts[1]));
  if (!CAGES_CHECK("UNAUTHORISED", kept && equal_constant_time(*kept, shown))) return fail(Code::UNAUTHORISED);
  return Caller(std::string(parts[0]));
}

}  // namespace cages::server
