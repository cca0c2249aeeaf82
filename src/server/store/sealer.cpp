// SPDX-License-Identifier: Apache-2.0
#include "server/store/sealer.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "crypto/aead.h"

namespace cages::server {
namespace {

constexpr std::size_t kKeyBytes = 32;

Result<void> private_file(const std::filesystem::path& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return fail(errno_error(path.string(), errno));
  if ((status.st_mode & 077) != 0 || status.st_uid != ::geteuid()) {
    return fail(Code::MASTER_KEY, path.string(), "mode 0600, owned by this user", "readable or owned by others");
  }
  return {};
}

}  // namespace

Result<Sealer> Sealer::open_or_create(const std::filesystem::path& path, crypto::Random& random) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    Secret key(kKeyBytes);
    random.fill(key.reveal_mutable());
    TRY(write_file(path, key.reveal(), 0600));
    return Sealer(std::move(key), random);
  }
  TRY(private_file(path));
  TRY_ASSIGN(Secret key, read_secret_file(path, 2 * kKeyBytes));
  if (key.size() != kKeyBytes) return fail(Code::SEALED, path.string(), "32 bytes", std::to_string(key.size()));
  return Sealer(std::move(key), random);
}

Result<Bytes> Sealer::seal(std::string_view place, ByteView plaintext) const {
  const auto nonce = random_->array<crypto::kAeadNonceBytes>();
  TRY_ASSIGN(const Bytes sealed, crypto::aead_seal(key_, nonce, as_bytes(place), plaintext));
  Bytes out = to_bytes(nonce);
  append(out, sealed);
  return out;
}

Result<Secret> Sealer::open(std::string_view place, ByteView sealed) const {
  if (sealed.size() < crypto::kAeadNonceBytes) return fail(Code::SEALED);
  return crypto::aead_open(key_, sealed.first(crypto::kAeadNonceBytes), as_bytes(place),
                           sealed.subspan(crypto::kAeadNonceBytes));
}

}  // namespace cages::server
