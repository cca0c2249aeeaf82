// SPDX-License-Identifier: Apache-2.0
#include "image/spool.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/text.h"

namespace cages::image {

Result<std::shared_ptr<Spool>> Spool::in(const std::filesystem::path& folder) {
  Fd fd(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!fd && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT)) {
    // A file system without O_TMPFILE: a name that lives for a moment.
    std::string name = (folder / ".spool.XXXXXX").string();
    fd.reset(::mkostemp(name.data(), O_CLOEXEC));
    if (fd) ::unlink(name.c_str());
  }
  if (!fd) return fail(errno_error(folder.string(), errno));
  return std::shared_ptr<Spool>(new Spool(std::move(fd)));
}

std::uint64_t Spool::reserve(std::uint64_t bytes) { return std::exchange(end_, end_ + bytes); }

Result<void> Spool::write_at(std::uint64_t offset, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(errno_error("temporary file", errno));
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
  return {};
}

void Spool::release(std::uint64_t offset, std::uint64_t bytes) {
  // Failure costs disk, nothing else: not every file system can.
  (void)::fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                    static_cast<off_t>(bytes));
}

namespace {

std::unexpected<Error> changed(const std::string& path) {
  return fail(Code::IMAGE, printable(path, 200), "a file that stays as it is while it is read", "a change");
}

}  // namespace

std::int64_t change_time(const struct stat& status) {
  return status.st_ctim.tv_sec * std::int64_t{1'000'000'000} + status.st_ctim.tv_nsec;
}

Result<Fd> open_folder_file(const FolderFile& file) {
  struct open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  Fd fd(static_cast<int>(::syscall(SYS_openat2, file.folder->get(), file.path.c_str(), &how, sizeof how)));
  if (!fd) return fail(errno_error(file.path, errno));
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return fail(errno_error(file.path, errno));
  if (!S_ISREG(status.st_mode) || status.st_dev != file.device || status.st_ino != file.inode ||
      change_time(status) != file.changed_ns || static_cast<std::uint64_t>(status.st_size) != file.size) {
    return changed(file.path);
  }
  return fd;
}

Content::~Content() {
  if (spool_ && size_ > 0) spool_->release(offset_, size_);
}

Content::Content(Content&& other) noexcept
    : blob_(std::move(other.blob_)),
      lying_(std::move(other.lying_)),
      spool_(std::move(other.spool_)),
      offset_(other.offset_),
      size_(std::exchange(other.size_, 0)) {}

Content& Content::operator=(Content&& other) noexcept {
  if (this == &other) return *this;
  if (spool_ && size_ > 0) spool_->release(offset_, size_);
  blob_ = std::move(other.blob_);
  lying_ = std::move(other.lying_);
  spool_ = std::move(other.spool_);
  offset_ = other.offset_;
  size_ = std::exchange(other.size_, 0);
  return *this;
}

Source Content::source() const {
  if (size_ == 0) return source_of({});
  if (lying_) {
    return [this, fd = std::make_shared<Fd>(),
            at = std::uint64_t{0}](std::span<Byte> into) mutable -> Result<std::size_t> {
      if (!*fd) {
        TRY_ASSIGN(*fd, open_folder_file(*lying_));
      }
      TRY_ASSIGN(const std::size_t n, file_source(fd->get(), at, size_ - at)(into));
      at += n;
      if (n == 0 && at < size_ && !into.empty()) return changed(lying_->path);
      return n;
    };
  }
  if (!spool_) return blob_.source();
  // The end of the spool may be a hole that was never written: what lies past the file's end reads as zeros too.
  return [from = file_source(spool_->fd(), offset_, size_),
          left = size_](std::span<Byte> into) mutable -> Result<std::size_t> {
    if (left == 0) return std::size_t{0};
    const auto want = into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left)));
    TRY_ASSIGN(std::size_t n, from(want));
    if (n == 0) {
      std::ranges::fill(want, Byte{0});
      n = want.size();
    }
    left -= n;
    return n;
  };
}

}  // namespace cages::image
