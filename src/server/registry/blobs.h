// SPDX-License-Identifier: Apache-2.0
// Blobs: uploaded images on disk, named by their SHA-256, streamed in and never changed after. For caged.
#pragma once

#include <filesystem>
#include <memory>

#include "base/file.h"
#include "crypto/hash.h"

namespace cages::server {

struct Blob {
  crypto::Digest256 sha256{};
  std::uint64_t bytes = 0;
  std::filesystem::path path;
};

// An upload under way; what was not finished is removed.
class Upload {
 public:
  Upload(Upload&&) noexcept;
  Upload& operator=(Upload&&) = delete;
  ~Upload();
  // write: LIMIT above kImageUploadBytesMax; IO.
  Result<void> write(ByteView bytes);
  // finish makes it a blob, on disk for good before it returns. Once.
  Result<Blob> finish();

 private:
  friend class Blobs;
  Upload(std::filesystem::path folder, std::filesystem::path temporary, Fd file);
  std::filesystem::path folder_;
  std::filesystem::path temporary_;
  Fd file_;
  crypto::Hasher hasher_{crypto::Hasher::Algorithm::sha256};
  std::uint64_t bytes_ = 0;
};

class Blobs {
 public:
  // open makes `folder` (0700) where it is missing and removes uploads that a dead process left.
  static Result<Blobs> open(std::filesystem::path folder);
  Result<Upload> begin();
  [[nodiscard]] std::filesystem::path path(const crypto::Digest256& sha256) const;

 private:
  explicit Blobs(std::filesystem::path folder) : folder_(std::move(folder)) {}
  std::filesystem::path folder_;
};

}  // namespace cages::server
