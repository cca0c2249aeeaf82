// SPDX-License-Identifier: Apache-2.0
#include "runtime/app/confine.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "base/text.h"
#include "policy/syscall_filter.h"

namespace cages::runtime {
namespace {

// What root of an ordinary container may do inside its own namespace. Devices, raw sockets, networks, mounts, tracing,
// time and audit are not among them.
constexpr auto kKept =
    std::to_array<unsigned>({CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_KILL, CAP_SETGID, CAP_SETUID,
                             CAP_SETPCAP, CAP_NET_BIND_SERVICE, CAP_SYS_CHROOT, CAP_SETFCAP});

[[noreturn]] void fail_at(const ChildEnds& ends, AppStep step, int error) {
  const auto bytes = write_app_message({AppMessage::Kind::failed, step, error});
  [[maybe_unused]] const ssize_t wrote = write(ends.report, bytes.data(), bytes.size());
  _exit(127);
}

int own_user_namespace(const ChildEnds& ends) {
  if (unshare(CLONE_NEWUSER) != 0) return errno;
  const char byte = 'u';
  if (write(ends.ask_map, &byte, 1) != 1) return errno;
  char answer = 0;
  const ssize_t got = read(ends.await_map, &answer, 1);
  return got == 1 ? 0 : (got < 0 ? errno : EPERM);
}

int become_user(const wire::User& user, bool shared) {
  std::vector<gid_t> groups(user.groups.begin(), user.groups.end());
  // Where there is one id there are no groups to have.
  if (!shared && setgroups(groups.size(), groups.data()) != 0) return errno;
  if (setresgid(user.gid, user.gid, user.gid) != 0) return errno;
  return 0;
}

// Before setuid: what is not in the bounding set no program of the app can ever gain.
int bound_capabilities() {
  for (unsigned capability = 0; capability < 64; ++capability) {
    if (std::ranges::find(kKept, capability) != kKept.end()) continue;
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno != EINVAL) return errno;
  }
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  return 0;
}

// After setuid: root keeps the bounded set, everybody else has none.
int limit_capabilities(bool root) {
  std::array<std::uint32_t, 2> kept{};
  if (root) {
    for (const unsigned capability : kKept) kept.at(capability / 32) |= 1U << (capability % 32);
  }
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> data{};
  for (std::size_t i = 0; i < 2; ++i) data[i] = {kept[i], kept[i], 0};
  return syscall(SYS_capset, &header, data.data()) == 0 ? 0 : errno;
}

int install_filter() {
  std::vector<sock_filter> code = policy::compile_syscall_filter(policy::app_syscall_rules());
  const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0 ? 0 : errno;
}

int fresh_signals() {
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction standard{};
    standard.sa_handler = SIG_DFL;
    sigaction(number, &standard, nullptr);  // SIGKILL, SIGSTOP and the C library's own cannot be set: as they are
  }
  sigset_t none;
  sigemptyset(&none);
  return sigprocmask(SIG_SETMASK, &none, nullptr) == 0 ? 0 : errno;
}

int arrange_descriptors(const ChildEnds& ends) {
  if (dup2(ends.in, 0) < 0 || dup2(ends.out, 1) < 0 || dup2(ends.err, 2) < 0) return errno;
  if (syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */) == 0) return 0;
  if (errno != ENOSYS && errno != EINVAL) return errno;
  for (int fd = 3; fd < 4096; ++fd) fcntl(fd, F_SETFD, FD_CLOEXEC);  // before Linux 5.11
  return 0;
}

// As execve takes them. secret: the environment. lifetime: until exec; wiped by it.
struct Arguments {
  std::vector<std::string> environment;
  std::vector<char*> argv;
  std::vector<char*> envp;
};

std::string_view path_of(const AppSpec& spec) {
  const auto found = std::ranges::find(spec.environment, "PATH", &NamedSecret::name);
  return found == spec.environment.end() ? std::string_view() : as_text(found->value.reveal());
}

// No shell, ever: a file that the kernel cannot execute is an error (execvp would hand it to /bin/sh).
int execute(const AppSpec& spec) {
  Arguments arguments;
  for (const NamedSecret& variable : spec.environment) {
    arguments.environment.push_back(variable.name + "=" + std::string(as_text(variable.value.reveal())));
  }
  for (std::string& variable : arguments.environment) arguments.envp.push_back(variable.data());
  for (const std::string& argument : spec.command) arguments.argv.push_back(const_cast<char*>(argument.c_str()));
  arguments.argv.push_back(nullptr);
  arguments.envp.push_back(nullptr);
  const std::string& name = spec.command.at(0);
  if (name.find('/') != std::string::npos) {
    execve(name.c_str(), arguments.argv.data(), arguments.envp.data());
    return errno;
  }
  int error = ENOENT;
  for (const std::string_view folder : split(path_of(spec), ':')) {
    const std::string path = (folder.empty() ? std::string(".") : std::string(folder)) + "/" + name;
    execve(path.c_str(), arguments.argv.data(), arguments.envp.data());
    if (errno != ENOENT && errno != ENOTDIR) error = errno;
  }
  return error;
}

int write_text(const std::string& path, std::string_view text) {
  const Fd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) return errno;
  return write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : errno;
}

}  // namespace

void become_app(const AppSpec& spec, const IdMap& users, const ChildEnds& ends) {
  const auto require = [&](AppStep step, int error) {
    if (error != 0) fail_at(ends, step, error);
  };
  if (setsid() < 0) fail_at(ends, AppStep::fork, errno);
  require(AppStep::user_namespace, own_user_namespace(ends));
  require(AppStep::identity, become_user(spec.user, users.shared));
  require(AppStep::capabilities, bound_capabilities());
  if (setresuid(spec.user.uid, spec.user.uid, spec.user.uid) != 0) fail_at(ends, AppStep::identity, errno);
  require(AppStep::capabilities, limit_capabilities(spec.user.uid == 0));
  umask(022);
  require(AppStep::workdir, chdir(spec.workdir.c_str()) == 0 ? 0 : errno);
  require(AppStep::exec, fresh_signals());
  require(AppStep::exec, arrange_descriptors(ends));
  require(AppStep::filter, install_filter());
  fail_at(ends, AppStep::exec, execute(spec));
}

int write_id_maps(pid_t child, const IdMap& users, const IdMap& groups) {
  const std::string folder = "/proc/" + std::to_string(child);
  if (groups.shared) {
    // One group id: the kernel wants setgroups given up first where the writer has no right to it (user_namespaces(7)).
    write_text(folder + "/setgroups", "deny");
  }
  if (const int error = write_text(folder + "/uid_map", users.as_text())) return error;
  return write_text(folder + "/gid_map", groups.as_text());
}

}  // namespace cages::runtime
