// SPDX-License-Identifier: Apache-2.0
#include "runtime/app/root.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "base/file.h"
#include "base/text.h"
#include "runtime/app/name_files.h"

namespace cages::runtime {
namespace {

constexpr std::array<const char*, 6> kDevices{"null", "zero", "full", "random", "urandom", "tty"};
// Kernel state that is the machine's, not the app's: read-only, or hidden behind /dev/null.
constexpr std::array<const char*, 5> kReadOnly{"/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus",
                                               "/proc/fs"};
constexpr std::array<const char*, 8> kHidden{"/proc/kcore",      "/proc/keys",        "/proc/kmsg",
                                             "/proc/timer_list", "/proc/sched_debug", "/proc/latency_stats",
                                             "/proc/config.gz",  "/proc/kallsyms"};
constexpr std::size_t kNameFileBytesMax = 16 * 1024;
constexpr unsigned long kPlain = MS_NOSUID | MS_NODEV | MS_NOEXEC;

// Small wrappers: 0 on success, errno else, so that a step reads as one chain.
int result_of(long returned) { return returned == 0 ? 0 : errno; }
int mount_at(const char* source, const char* target, const char* type, unsigned long flags,
             const char* options = nullptr) {
  return result_of(mount(source, target, type, flags, options));
}

std::string by_descriptor(const Fd& fd) { return "/proc/self/fd/" + std::to_string(fd.get()); }

Fd open_path(const std::string& path) { return Fd(open(path.c_str(), O_PATH | O_CLOEXEC)); }

// Adds flags to a mount of ours. Flags that it has already may be locked: they are said again.
int restrict_mount(const char* target, unsigned long added) {
  struct statvfs now{};
  if (statvfs(target, &now) != 0) return errno;
  unsigned long flags = MS_REMOUNT | MS_BIND | added;
  if ((now.f_flag & ST_RDONLY) != 0) flags |= MS_RDONLY;
  if ((now.f_flag & ST_NOSUID) != 0) flags |= MS_NOSUID;
  if ((now.f_flag & ST_NODEV) != 0) flags |= MS_NODEV;
  if ((now.f_flag & ST_NOEXEC) != 0) flags |= MS_NOEXEC;
  return mount_at(nullptr, target, nullptr, flags);
}

class Builder {
 public:
  Builder(const AppSpec& spec, const IdMap& users, const IdMap& groups) : spec_(spec), users_(users), groups_(groups) {}

  std::optional<RootFailure> build() {
    struct Stage {
      AppStep step;
      int (Builder::*act)();
    };
    constexpr std::array<Stage, 7> kStages{{{AppStep::root, &Builder::open_sources},
                                            {AppStep::root, &Builder::change_root},
                                            {AppStep::proc, &Builder::make_proc},
                                            {AppStep::dev, &Builder::make_dev},
                                            {AppStep::names, &Builder::make_names},
                                            {AppStep::secrets, &Builder::make_secrets},
                                            {AppStep::root, &Builder::leave_old_root}}};
    for (const Stage& stage : kStages) {
      if (const int error = (this->*stage.act)()) return RootFailure{stage.step, error};
    }
    return std::nullopt;
  }

 private:
  // What is needed from outside is opened before it is out of sight.
  int open_sources() {
    for (std::size_t i = 0; i < kDevices.size(); ++i) {
      devices_[i] = open_path("/dev/" + std::string(kDevices[i]));
      if (!devices_[i] && errno != ENOENT) return errno;
    }
    cmdline_ = open_path(spec_.cmdline);
    return 0;
  }

  int change_root() {
    if (const int error = mount_at(nullptr, "/", nullptr, MS_REC | MS_PRIVATE)) return error;
    const char* root = spec_.root.c_str();
    if (const int error = mount_at(root, root, nullptr, MS_BIND)) return error;
    if (const int error = restrict_mount(root, MS_NODEV | MS_NOSUID)) return error;
    if (chdir(root) != 0) return errno;
    // The old root lands on top of the new one, where leave_old_root takes it away.
    if (syscall(SYS_pivot_root, ".", ".") == 0) return result_of(chdir("/"));
    if (errno != EINVAL) return errno;
    // The root of an initramfs cannot be left, only covered (pivot_root(2), NOTES).
    covered_ = true;
    if (const int error = mount_at(".", "/", nullptr, MS_MOVE)) return error;
    if (chroot(".") != 0) return errno;
    return result_of(chdir("/"));
  }

  int leave_old_root() { return covered_ ? 0 : result_of(umount2(".", MNT_DETACH)); }

  // From here on paths are the image's own.
  int own(const char* path) const { return result_of(lchown(path, users_.root, groups_.root)); }

  // A directory that is there, or is made. Links of the image lead nowhere but inside it.
  int folder(const char* path, mode_t mode) const {
    if (mkdir(path, mode) != 0) {
      struct stat info{};
      if (errno != EEXIST) return errno;
      if (stat(path, &info) != 0) return errno;
      return S_ISDIR(info.st_mode) ? 0 : ENOTDIR;
    }
    if (chmod(path, mode) != 0) return errno;
    return own(path);
  }

  int make_proc() {
    if (const int error = folder("/proc", 0755)) return error;
    if (const int error = mount_at("proc", "/proc", "proc", kPlain)) return error;
    for (const char* path : kReadOnly) {
      if (access(path, F_OK) != 0) continue;
      if (const int error = mount_at(path, path, nullptr, MS_BIND)) return error;
      if (const int error = restrict_mount(path, MS_RDONLY | kPlain)) return error;
    }
    for (const char* path : kHidden) {
      if (access(path, F_OK) != 0) continue;
      if (const int error = mount_at(by_descriptor(devices_[0]).c_str(), path, nullptr, MS_BIND)) return error;
    }
    // The measured copy: under `process` the kernel's own is the host's.
    return cmdline_ ? mount_at(by_descriptor(cmdline_).c_str(), "/proc/cmdline", nullptr, MS_BIND) : 0;
  }

  int make_dev() {
    if (const int error = folder("/dev", 0755)) return error;
    if (const int error = mount_at("tmpfs", "/dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=64k,nr_inodes=256"))
      return error;
    if (const int error = own("/dev")) return error;
    for (std::size_t i = 0; i < kDevices.size(); ++i) {
      if (!devices_[i]) continue;
      const std::string path = "/dev/" + std::string(kDevices[i]);
      const Fd made(open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666));
      if (!made) return errno;
      if (const int error = mount_at(by_descriptor(devices_[i]).c_str(), path.c_str(), nullptr, MS_BIND)) return error;
    }
    constexpr std::array<std::pair<const char*, const char*>, 5> kLinks{{{"/proc/self/fd", "/dev/fd"},
                                                                         {"/proc/self/fd/0", "/dev/stdin"},
                                                                         {"/proc/self/fd/1", "/dev/stdout"},
                                                                         {"/proc/self/fd/2", "/dev/stderr"},
                                                                         {"pts/ptmx", "/dev/ptmx"}}};
    for (const auto& [target, link] : kLinks) {
      if (symlink(target, link) != 0) return errno;
    }
    if (const int error = folder("/dev/pts", 0755)) return error;
    if (const int error =
            mount_at("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620")) {
      return error;
    }
    if (const int error = folder("/dev/shm", 01777)) return error;
    return mount_at("tmpfs", "/dev/shm", "tmpfs", kPlain, "mode=1777");
  }

  int make_names() {
    if (const int error = folder_as_it_is("/etc")) return error;
    const auto hosts = read_file("/etc/hosts", kNameFileBytesMax);
    if (!hosts || trim(as_text(*hosts)).empty()) {
      if (const int error = cover("/etc/hosts", hosts_text(spec_.hostname))) return error;
    }
    if (!spec_.resolver) return 0;
    if (const int error = cover("/etc/resolv.conf", resolver_text())) return error;
    const auto image = read_file("/etc/nsswitch.conf", kNameFileBytesMax);
    return cover("/etc/nsswitch.conf", nsswitch_text(image ? as_text(*image) : std::string_view()));
  }

  // A folder of the image, whose mode and owner stay, or a new one.
  int folder_as_it_is(const char* path) const {
    struct stat info{};
    if (stat(path, &info) == 0) return S_ISDIR(info.st_mode) ? 0 : ENOTDIR;
    return folder(path, 0755);
  }

  // Binds a file of ours, which the app reads and nobody writes, over `path`. Where the image has none, or a link (which
  // leads to another machine's resolver, or nowhere), an empty one is put there for it.
  int cover(const char* path, const std::string& text) const {
    constexpr const char* kFile = "/dev/.names";
    struct stat info{};
    if (lstat(path, &info) == 0 && S_ISLNK(info.st_mode) && unlink(path) != 0) return errno;
    for (const char* made : {path, kFile}) {
      const Fd file(open(made, O_CREAT | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644));
      if (!file) return errno;
      if (made != kFile) continue;
      if (write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) return EIO;
    }
    if (const int error = own(kFile)) return error;
    if (const int error = mount_at(kFile, path, nullptr, MS_BIND)) return error;
    if (const int error = restrict_mount(path, MS_RDONLY | kPlain)) return error;
    return result_of(unlink(kFile));
  }

  int make_secrets() {
    if (const int error = folder("/tmp", 01777)) return error;
    if (const int error = folder("/run", 0755)) return error;
    if (const int error = folder("/run/secrets", 0755)) return error;
    if (const int error = mount_at("tmpfs", "/run/secrets", "tmpfs", kPlain, "mode=755,size=16m,nr_inodes=2048"))
      return error;
    for (const NamedSecret& secret : spec_.files) {
      if (const int error = write_secret(secret)) return error;
    }
    return restrict_mount("/run/secrets", MS_RDONLY);
  }

  int write_secret(const NamedSecret& secret) const {
    const std::string path = "/run/secrets/" + secret.name;
    const Fd file(open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0400));
    if (!file) return errno;
    for (ByteView rest = secret.value.reveal(); !rest.empty();) {
      const ssize_t wrote = write(file.get(), rest.data(), rest.size());
      if (wrote < 0) return errno;
      rest = rest.subspan(static_cast<std::size_t>(wrote));
    }
    return result_of(fchown(file.get(), outside(users_, spec_.user.uid), outside(groups_, spec_.user.gid)));
  }

  static std::uint32_t outside(const IdMap& map, std::uint32_t inside) {
    for (const IdRange& range : map.ranges) {
      if (inside >= range.inside && inside - range.inside < range.count) return range.outside + (inside - range.inside);
    }
    return map.root;
  }

  const AppSpec& spec_;
  const IdMap& users_;
  const IdMap& groups_;
  std::array<Fd, kDevices.size()> devices_;
  Fd cmdline_;
  bool covered_ = false;
};

}  // namespace

std::optional<RootFailure> enter_app_root(const AppSpec& spec, const IdMap& users, const IdMap& groups) {
  return Builder(spec, users, groups).build();
}

}  // namespace cages::runtime
