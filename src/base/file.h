// SPDX-License-Identifier: Apache-2.0
// Files, read whole within a bound and written whole or not at all. For small files (configuration, keys, state). Big ones
// are streamed by the part that owns their format.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace cages {

// An owned file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() { reset(); }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] explicit operator bool() const { return fd_ >= 0; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

// read_file returns the whole file. IO where it cannot be read; LIMIT above `bytes_max`.
Result<Bytes> read_file(const std::filesystem::path& path, std::size_t bytes_max);
Result<Secret> read_secret_file(const std::filesystem::path& path, std::size_t bytes_max);
// write_file replaces `path` atomically (temporary file in the same folder, fsync, rename) with the given mode.
Result<void> write_file(const std::filesystem::path& path, ByteView content, mode_t mode = 0644);
// errno_error makes an IO error that names the path and the system's reason.
Error errno_error(const std::string& what, int number, std::source_location where = std::source_location::current());

}  // namespace cages
