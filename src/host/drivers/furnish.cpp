// SPDX-License-Identifier: Apache-2.0
#include "host/drivers/furnish.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/limits.h"

namespace cages::drivers {
namespace {

constexpr std::array<const char*, 6> kDevices{"null", "zero", "full", "random", "urandom", "tty"};
constexpr std::uint64_t kBytesPerInode = 4096;
constexpr std::uint64_t kInodesLeast = 65536;
constexpr int kBacklog = 64;

Error refused(std::string what) {
  const int number = errno;
  return {Code::DRIVER_ROOT, std::move(what), "", errno_error("", number).got};
}

Result<Fd> detached_proc() {
  const Fd context(::fsopen("proc", FSOPEN_CLOEXEC));
  if (!context || ::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return fail(refused("proc"));
  Fd mount(::fsmount(context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
  if (!mount) return fail(refused("mount of proc"));
  return mount;
}

Result<void> put(const Fd& mount, const char* at) {
  if (::move_mount(mount.get(), "", AT_FDCWD, at, MOVE_MOUNT_F_EMPTY_PATH) != 0) return fail(refused(at));
  return {};
}

// A folder or file of ours at `path`, which no symlink of the image's may lead elsewhere.
Result<void> make(const char* path, mode_t type, mode_t mode) {
  const int made = S_ISDIR(type) ? ::mkdir(path, mode) : ::mknod(path, S_IFREG | mode, 0);
  if (made != 0 && errno != EEXIST) return fail(refused(path));
  open_how how{};
  how.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS;
  const Fd there(static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how)));
  struct stat status {};
  if (!there || ::fstat(there.get(), &status) != 0) return fail(refused(path));
  if ((status.st_mode & S_IFMT) != type) return fail(Code::DRIVER_ROOT, path, S_ISDIR(type) ? "a folder" : "a file", "something else");
  return {};
}

Result<void> mount_tmpfs(const char* at, unsigned long flags, const std::string& options) {
  if (::mount("tmpfs", at, "tmpfs", flags, options.c_str()) != 0) return fail(refused(at));
  return {};
}

Result<void> furnish_dev(Spares& spares) {
  TRY(make("/dev", S_IFDIR, 0755));
  TRY(mount_tmpfs("/dev", MS_NOSUID | MS_NOEXEC, "size=64k,nr_inodes=64,mode=0755"));
  for (const auto& [name, mount] : spares.devices) {
    const std::string path = "/dev/" + name;
    TRY(make(path.c_str(), S_IFREG, 0666));
    TRY(put(mount, path.c_str()));
  }
  constexpr std::array<std::pair<const char*, const char*>, 4> kLinks{{{"/proc/self/fd", "/dev/fd"},
                                                                        {"/proc/self/fd/0", "/dev/stdin"},
                                                                        {"/proc/self/fd/1", "/dev/stdout"},
                                                                        {"/proc/self/fd/2", "/dev/stderr"}}};
  for (const auto& [target, path] : kLinks) {
    if (::symlink(target, path) != 0) return fail(refused(path));
  }
  return {};
}

Result<void> bind_cmdline(const std::string& cmdline) {
  constexpr const char* kFile = "/dev/.cmdline";
  {
    const Fd file(::open(kFile, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444));
    const std::string line = cmdline + "\n";  // as the kernel shows it
    if (!file || ::write(file.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) return fail(refused("command line"));
  }
  if (::mount(kFile, "/proc/cmdline", nullptr, MS_BIND, nullptr) != 0) return fail(refused("/proc/cmdline"));
  constexpr unsigned long kFixed = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NOEXEC;
  if (::mount(nullptr, "/proc/cmdline", nullptr, kFixed, nullptr) != 0) return fail(refused("/proc/cmdline"));
  ::unlink(kFile);
  return {};
}

}  // namespace

Result<Spares> leave_old_root(std::uint64_t memory_bytes) {
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return fail(refused("private mounts"));
  Spares spares;
  TRY_ASSIGN(spares.proc, detached_proc());
  TRY_ASSIGN(spares.bare_proc, detached_proc());
  for (const char* name : kDevices) {
    const std::string path = std::string("/dev/") + name;
    Fd mount(::open_tree(AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
    if (!mount) return fail(refused(path));
    spares.devices.emplace_back(name, std::move(mount));
  }
  const std::string options = "size=" + std::to_string(memory_bytes) + ",mode=0755,nr_inodes=" +
                              std::to_string(std::max(kInodesLeast, memory_bytes / kBytesPerInode));
  // Any folder will do: only this mount namespace sees what is mounted there.
  TRY(mount_tmpfs("/tmp", MS_NOSUID | MS_NODEV, options));
  if (::chdir("/tmp") != 0) return fail(refused("/tmp"));
  // pivot_root(2), "pivot_root(".", ".")": the old root lies over the new one until it is detached.
  if (::syscall(SYS_pivot_root, ".", ".") != 0) return fail(refused("pivot_root"));
  if (::umount2(".", MNT_DETACH) != 0 || ::chdir("/") != 0) return fail(refused("the old root"));
  return spares;
}

Result<void> furnish(Spares spares, const std::string& cmdline) {
  TRY(make("/proc", S_IFDIR, 0755));
  TRY(put(spares.proc, "/proc"));
  TRY(furnish_dev(spares));
  TRY(make("/cage", S_IFDIR, 0755));
  TRY(make("/cage/proc", S_IFDIR, 0700));
  TRY(put(spares.bare_proc, "/cage/proc"));
  TRY(make("/cage/v", S_IFDIR, 0700));
  // Small and bounded: it is the one place that both sides write to.
  TRY(mount_tmpfs("/cage/v", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=64k,nr_inodes=64,mode=0700"));
  TRY(bind_cmdline(cmdline));
  constexpr std::string_view kHostName = "cage";
  if (::sethostname(kHostName.data(), kHostName.size()) != 0) return fail(refused("host name"));
  return {};
}

Result<std::vector<Fd>> open_ports(const std::vector<std::uint32_t>& ports) {
  std::vector<Fd> out;
  out.emplace_back(::open("/cage/v", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!out.back()) return fail(refused("/cage/v"));
  for (const auto port : ports) {
    const std::string path = "/cage/v/v_" + std::to_string(port);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size());
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(socket.get(), kBacklog) != 0) {
      return fail(refused(path));
    }
    out.push_back(std::move(socket));
  }
  return out;
}

}  // namespace cages::drivers
