// SPDX-License-Identifier: Apache-2.0
#include "base/private_file.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace cages {
namespace {

constexpr mode_t kOthers = S_IRWXG | S_IRWXO;

// check_owner refuses what somebody else owns or may open. Judged on the open descriptor, so that nothing can change between.
Result<void> check_owner(int fd, mode_t type, const std::string& path) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return fail(errno_error(path, errno));
  if ((status.st_mode & S_IFMT) != type) {
    return fail(Code::UNSAFE_FILE, path, type == S_IFDIR ? "a folder" : "a regular file", "something else");
  }
  if (status.st_uid != ::geteuid()) {
    return fail(Code::UNSAFE_FILE, path, "owned by user " + std::to_string(::geteuid()), std::to_string(status.st_uid));
  }
  if ((status.st_mode & kOthers) != 0) {
    std::array<char, 8> mode{};
    std::snprintf(mode.data(), mode.size(), "%04o", static_cast<unsigned>(status.st_mode & 07777));
    return fail(Code::UNSAFE_FILE, path, type == S_IFDIR ? "mode 0700" : "mode 0600", mode.data());
  }
  return {};
}

Result<void> make_folders(const std::filesystem::path& path) {
  if (path.has_parent_path() && path.parent_path() != path) {
    struct stat status {};
    if (::stat(path.parent_path().c_str(), &status) != 0) TRY(make_folders(path.parent_path()));
  }
  if (::mkdir(path.c_str(), S_IRWXU) != 0 && errno != EEXIST) return fail(errno_error(path.string(), errno));
  return {};
}

Result<void> write_all(int fd, ByteView content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(errno_error(path, errno));
    content = content.subspan(static_cast<std::size_t>(n));
  }
  if (::fsync(fd) != 0) return fail(errno_error(path, errno));
  return {};
}

}  // namespace

Result<PrivateFolder> PrivateFolder::open_or_create(const std::filesystem::path& path) {
  const std::filesystem::path clean = path.lexically_normal().has_filename() ? path.lexically_normal()
                                                                             : path.lexically_normal().parent_path();
  TRY(make_folders(clean));
  Fd folder(::open(clean.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder && (errno == ELOOP || errno == ENOTDIR)) {
    return fail(Code::UNSAFE_FILE, clean.string(), "a folder", "a link or another file");
  }
  if (!folder) return fail(errno_error(clean.string(), errno));
  TRY(check_owner(folder.get(), S_IFDIR, clean.string()));
  return PrivateFolder(std::move(folder), clean.string());
}

Result<std::optional<Secret>> PrivateFolder::read(const std::string& name, std::size_t bytes_max) const {
  // O_NONBLOCK: a FIFO in its place must not hold us.
  const Fd file(::openat(folder_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!file && errno == ENOENT) return std::nullopt;
  if (!file && errno == ELOOP) return fail(Code::UNSAFE_FILE, path_of(name), "a regular file", "a symbolic link");
  if (!file) return fail(errno_error(path_of(name), errno));
  TRY(check_owner(file.get(), S_IFREG, path_of(name)));
  Secret content(bytes_max + 1);
  std::size_t used = 0;
  for (;;) {
    const std::span<Byte> left = content.reveal_mutable().subspan(used);
    const ssize_t n = ::read(file.get(), left.data(), left.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(errno_error(path_of(name), errno));
    if (n == 0) return Secret::copy_of(content.reveal().first(used));
    used += static_cast<std::size_t>(n);
    if (used > bytes_max) return fail(Code::LIMIT, path_of(name), "at most " + std::to_string(bytes_max) + " bytes", "more");
  }
}

Result<bool> PrivateFolder::create(const std::string& name, const Secret& content) const {
  std::array<Byte, 8> random{};
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) {
    return fail(errno_error("getrandom", errno));
  }
  const std::string temporary = name + "." + hex(random);
  const Fd file(::openat(folder_.get(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                         S_IRUSR | S_IWUSR));
  if (!file) return fail(errno_error(path_of(temporary), errno));
  Result<void> written = write_all(file.get(), content.reveal(), path_of(temporary));
  bool created = false;
  if (written) {
    // link() never replaces: of two processes one wins, and the name is never seen half written.
    created = ::linkat(folder_.get(), temporary.c_str(), folder_.get(), name.c_str(), 0) == 0;
    if (!created && errno != EEXIST) written = fail(errno_error(path_of(name), errno));
  }
  ::unlinkat(folder_.get(), temporary.c_str(), 0);
  if (!written) return fail(std::move(written).error());
  if (::fsync(folder_.get()) != 0) return fail(errno_error(path_, errno));
  return created;
}

}  // namespace cages
