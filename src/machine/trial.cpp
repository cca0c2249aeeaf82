// SPDX-License-Identifier: Apache-2.0
#include "machine/trial.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>

namespace cages::machine {
namespace {

constexpr int kNamespaces =
    CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP;

// What the child tells by its exit code; 0 = all well. The name of the step, and its errno through the pipe.
constexpr std::array<std::string_view, 5> kSteps{"", "entering the namespaces", "mapping a user id", "making mounts private", "mounting a tmpfs"};

bool write_text(const char* path, const std::string& text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool whole = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  return whole;
}

int child(uid_t uid, gid_t gid) {
  if (::unshare(kNamespaces) != 0) return 1;
  const bool mapped = write_text("/proc/self/setgroups", "deny") &&
                      write_text("/proc/self/uid_map", "0 " + std::to_string(uid) + " 1") &&
                      write_text("/proc/self/gid_map", "0 " + std::to_string(gid) + " 1");
  if (!mapped) return 2;
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return 3;
  if (::mount("none", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "size=4k") != 0) return 4;
  return 0;
}

}  // namespace

std::string try_namespaces() {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return "no pipe: " + std::generic_category().message(errno);
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  const pid_t pid = ::fork();
  if (pid == 0) {
    const int step = child(uid, gid);
    const int number = errno;
    [[maybe_unused]] const ssize_t told = ::write(ends[1], &number, sizeof number);
    ::_exit(step);
  }
  ::close(ends[1]);
  int number = 0;
  int status = 0;
  const bool told = pid > 0 && ::read(ends[0], &number, sizeof number) == sizeof number;
  ::close(ends[0]);
  if (pid < 0) return "no child process";
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!told || !WIFEXITED(status)) return "the trial's child was killed";
  const auto step = static_cast<std::size_t>(WEXITSTATUS(status));
  if (step == 0) return {};
  return std::string(step < kSteps.size() ? kSteps.at(step) : "an unknown step") + ": " + std::generic_category().message(number);
}

bool has_seccomp() {
  std::uint32_t action = SECCOMP_RET_KILL_PROCESS;
  return ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

int landlock_abi() {
  constexpr unsigned kVersion = 1;  // LANDLOCK_CREATE_RULESET_VERSION
  const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kVersion);
  return abi > 0 ? static_cast<int>(abi) : 0;
}

bool has_mount_api() {
  // With no arguments that could work, a kernel that knows the call says anything but ENOSYS.
  if (::syscall(SYS_fsopen, nullptr, 0U) < 0 && errno == ENOSYS) return false;
  return ::syscall(SYS_openat2, -1, nullptr, nullptr, 0) >= 0 || errno != ENOSYS;
}

}  // namespace cages::machine
