// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace cages {
namespace {

Result<void> write_all(int fd, ByteView content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(errno_error(path, errno));
    content = content.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace

void Fd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Error errno_error(const std::string& what, int number, std::source_location where) {
  return Error(Code::IO, what, "", std::generic_category().message(number), where);
}

Result<Bytes> read_file(const std::filesystem::path& path, std::size_t bytes_max) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail(errno_error(path.string(), errno));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return fail(errno_error(path.string(), errno));
  Bytes content;
  if (S_ISREG(status.st_mode)) content.reserve(std::min(static_cast<std::size_t>(status.st_size), bytes_max) + 1);
  for (;;) {
    const std::size_t used = content.size();
    content.resize(std::min(std::max(content.capacity(), used + 4096), bytes_max + 1));
    const ssize_t n = ::read(fd.get(), content.data() + used, content.size() - used);
    content.resize(used + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(errno_error(path.string(), errno));
    if (n == 0) return content;
    if (content.size() > bytes_max) {
      return fail(Code::LIMIT, path.string(), "at most " + std::to_string(bytes_max) + " bytes", "more");
    }
  }
}

Result<Secret> read_secret_file(const std::filesystem::path& path, std::size_t bytes_max) {
  TRY_ASSIGN(Bytes content, read_file(path, bytes_max));
  return Secret(std::move(content));
}

Result<void> write_file(const std::filesystem::path& path, ByteView content, mode_t mode) {
  std::string temporary = path.string() + ".XXXXXX";
  const Fd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) return fail(errno_error(path.string(), errno));
  auto written = write_all(fd.get(), content, temporary);
  if (written && ::fchmod(fd.get(), mode) != 0) written = fail(errno_error(temporary, errno));
  if (written && ::fsync(fd.get()) != 0) written = fail(errno_error(temporary, errno));
  if (written && ::rename(temporary.c_str(), path.c_str()) != 0) written = fail(errno_error(path.string(), errno));
  if (!written) ::unlink(temporary.c_str());
  return written;
}

}  // namespace cages
