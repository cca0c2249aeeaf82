// SPDX-License-Identifier: Apache-2.0
#include "eif/source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace cages::eif {
namespace {

Error truncated(std::uint64_t wanted, std::uint64_t size) {
  return Error(Code::EIF_TRUNCATED, "", std::to_string(wanted) + " bytes", std::to_string(size));
}

class FileSource final : public Source {
 public:
  FileSource(Fd fd, std::uint64_t size, std::string path) : fd_(std::move(fd)), size_(size), path_(std::move(path)) {}
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] Result<void> read_at(std::uint64_t offset, std::span<Byte> into) const override {
    if (offset > size_ || into.size() > size_ - offset) return fail(truncated(offset + into.size(), size_));
    while (!into.empty()) {
      const ssize_t n = ::pread(fd_.get(), into.data(), into.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return fail(errno_error(path_, errno));
      if (n == 0) return fail(truncated(size_, offset));  // race: cut short since it was opened
      into = into.subspan(static_cast<std::size_t>(n));
      offset += static_cast<std::uint64_t>(n);
    }
    return {};
  }

 private:
  Fd fd_;
  std::uint64_t size_;
  std::string path_;
};

class MemorySource final : public Source {
 public:
  explicit MemorySource(ByteView bytes) : bytes_(bytes) {}
  [[nodiscard]] std::uint64_t size() const override { return bytes_.size(); }
  [[nodiscard]] Result<void> read_at(std::uint64_t offset, std::span<Byte> into) const override {
    if (offset > bytes_.size() || into.size() > bytes_.size() - offset) {
      return fail(truncated(offset + into.size(), bytes_.size()));
    }
    std::ranges::copy(bytes_.subspan(offset, into.size()), into.begin());
    return {};
  }

 private:
  ByteView bytes_;
};

}  // namespace

Result<std::shared_ptr<const Source>> open_source(const std::filesystem::path& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // a FIFO must not block us
  if (!fd) return fail(errno_error(path.string(), errno));
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return fail(errno_error(path.string(), errno));
  if (!S_ISREG(status.st_mode)) return fail(Code::IO, path.string(), "a regular file", "something else");
  return std::make_shared<FileSource>(std::move(fd), static_cast<std::uint64_t>(status.st_size), path.string());
}

std::shared_ptr<const Source> memory_source(ByteView bytes) { return std::make_shared<MemorySource>(bytes); }

}  // namespace cages::eif
