// SPDX-License-Identifier: Apache-2.0
// Blob: a run of bytes in a file that stays open. Layers and configurations of a container image are blobs, whether
// they lie in a directory of their own files or inside one archive. For image/.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/file.h"
#include "image/pipe.h"

namespace cages::image {

struct Blob {
  std::shared_ptr<const Fd> file;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;

  [[nodiscard]] Source source() const { return file_source(file->get(), offset, size); }
};

// open_blob opens a regular file without following a symlink in its last component. IMAGE where it is no regular file,
// IO.
Result<Blob> open_blob(const std::filesystem::path& path);
// read_blob returns the whole of a small blob; IMAGE_LIMIT above `bytes_max`.
Result<Bytes> read_blob(const Blob& blob, std::size_t bytes_max);

// "sha256:" and 64 lower-case hexadecimal digits.
struct Digest {
  std::string hex;
  friend bool operator==(const Digest&, const Digest&) = default;
};
// parse_digest: IMAGE for another algorithm or another form.
Result<Digest> parse_digest(std::string_view text);
// check_digest: IMAGE_DIGEST unless the content's SHA-256 is `digest`.
Result<void> check_digest(ByteView content, const Digest& digest, std::string_view what);

}  // namespace cages::image
