// SPDX-License-Identifier: Apache-2.0
#include "server/engine/wrapper.h"

#include "server/store/sealer.h"

namespace cages::server {
namespace {

class FileWrapper final : public KeyWrapper {
 public:
  explicit FileWrapper(Sealer sealer) : sealer_(std::move(sealer)) {}
  Result<Bytes> wrap(std::string_view place, const Secret& key) override { return sealer_.seal(place, key.reveal()); }
  Result<Secret> unwrap(std::string_view place, ByteView wrapped) override { return sealer_.open(place, wrapped); }

 private:
  Sealer sealer_;
};

}  // namespace

Result<std::unique_ptr<KeyWrapper>> wrapper_in_file(const std::filesystem::path& path, crypto::Random& random) {
  TRY_ASSIGN(Sealer sealer, Sealer::open_or_create(path, random));
  return std::unique_ptr<KeyWrapper>(std::make_unique<FileWrapper>(std::move(sealer)));
}

}  // namespace cages::server
