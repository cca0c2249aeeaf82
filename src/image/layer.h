// SPDX-License-Identifier: Apache-2.0
// LayerReader: one tar archive, plain or compressed by gzip or zstd, entry by entry. The only place that sees
// libarchive. It reports what the archive says and bounds how much can come out; what an entry may do to an image is
// decided in layers.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "image/blob.h"

namespace cages::image {

enum class LayerKind : std::uint8_t {
  file,
  directory,
  symlink,
  hard_link,
  character_device,
  block_device,
  fifo,
  other
};

struct LayerEntry {
  std::string path;  // as in the archive
  LayerKind kind = LayerKind::other;
  std::uint32_t permissions = 0;  // low 12 bits
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  std::uint64_t size = 0;
  std::string target;             // of a symlink or hard link
  bool has_capabilities = false;  // a security.capability attribute, which no ramdisk can hold
  // Where the content lies in the blob, for a plain archive and a file without holes: it need not be copied.
  std::optional<std::uint64_t> content_offset;
};

// A piece of a file's content. Between pieces are zeros.
struct LayerPiece {
  std::uint64_t offset = 0;
  ByteView bytes;
};

// Told how many more bytes of blobs were read.
using Progress = std::function<void(std::uint64_t)>;

// untrusted: the archive may come from anywhere.
class LayerReader {
 public:
  static Result<std::unique_ptr<LayerReader>> open(const Blob& blob, Progress progress = {});
  virtual ~LayerReader() = default;

  // next returns the next entry, or nothing at the end. IMAGE where the archive is broken; IMAGE_LIMIT where it grows
  // beyond kImageCompressionRatioMax.
  virtual Result<std::optional<LayerEntry>> next() = 0;
  // read returns the next piece of the last entry's content, or nothing at its end. lifetime: until the next call.
  virtual Result<std::optional<LayerPiece>> read() = 0;
  // finish reads what is left of the blob and returns the SHA-256 of all of it, in hexadecimal.
  virtual Result<std::string> finish() = 0;
  // compressed: the digest of the blob is not that of the tar archive in it.
  [[nodiscard]] virtual bool compressed() const = 0;
};

// list_archive returns the entries of a plain tar archive without reading its contents: an archive of blobs (`docker
// save`). IMAGE where it is compressed or broken; IMAGE_LIMIT above `entries_max`.
Result<std::vector<LayerEntry>> list_archive(const Blob& blob, std::size_t entries_max);

}  // namespace cages::image
