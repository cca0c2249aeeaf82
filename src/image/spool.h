// SPDX-License-Identifier: Apache-2.0
// Spool: one temporary file without a name that holds the contents which cannot be read where they lie (compressed
// layers, files with holes). It goes with the process, however that ends; what no file of the image needs any more
// gives its blocks back. FolderFile: a file of a folder, opened only while it is read. Content: where one file's bytes
// are. For image/.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <memory>
#include <string>

#include "image/blob.h"

namespace cages::image {

class Spool {
 public:
  // in makes a spool in a folder of the file system that shall bear it; IO.
  static Result<std::shared_ptr<Spool>> in(const std::filesystem::path& folder);

  // reserve returns the offset of a run of `bytes` zeros.
  std::uint64_t reserve(std::uint64_t bytes);
  Result<void> write_at(std::uint64_t offset, ByteView bytes);
  void release(std::uint64_t offset, std::uint64_t bytes);
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  explicit Spool(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
  std::uint64_t end_ = 0;
};

// A file as it was seen below a folder. Reading it later fails with IMAGE where it is another one by then, or changed.
struct FolderFile {
  std::shared_ptr<const Fd> folder;
  std::string path;  // relative to it, no link on the way
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t changed_ns = 0;  // the change time, which nobody can set
};

std::int64_t change_time(const struct stat& status);
// open_folder_file: IMAGE where the file is not what was seen, IO where it cannot be opened (ENOSYS included: openat2).
Result<Fd> open_folder_file(const FolderFile& file);

// Move-only: the last owner gives spooled blocks back.
class Content {
 public:
  Content() = default;  // empty
  // A run of a blob, read where it lies.
  explicit Content(Blob blob) : blob_(std::move(blob)), size_(blob_.size) {}
  // A run of the spool.
  Content(std::shared_ptr<Spool> spool, std::uint64_t offset, std::uint64_t size)
      : spool_(std::move(spool)), offset_(offset), size_(size) {}
  explicit Content(FolderFile file)
      : lying_(std::make_unique<const FolderFile>(std::move(file))), size_(lying_->size) {}
  ~Content();
  Content(const Content&) = delete;
  Content& operator=(const Content&) = delete;
  Content(Content&& other) noexcept;
  Content& operator=(Content&& other) noexcept;

  [[nodiscard]] std::uint64_t size() const { return size_; }
  // spool_offset: where a spooled run begins.
  [[nodiscard]] std::uint64_t spool_offset() const { return offset_; }
  // lifetime: as long as this object.
  [[nodiscard]] Source source() const;

 private:
  Blob blob_;
  std::unique_ptr<const FolderFile> lying_;
  std::shared_ptr<Spool> spool_;
  std::uint64_t offset_ = 0;
  std::uint64_t size_ = 0;
};

}  // namespace cages::image
