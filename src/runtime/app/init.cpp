// SPDX-License-Identifier: Apache-2.0
#include "runtime/app/init.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <optional>

#include "base/file.h"
#include "policy/syscall_filter.h"
#include "runtime/app/confine.h"
#include "runtime/app/identity.h"
#include "runtime/app/protocol.h"
#include "runtime/app/root.h"
#include "runtime/app/spec.h"

namespace cages::runtime {
namespace {

constexpr std::size_t kIdMapBytesMax = 64 * 1024;

void tell(int events, const AppMessage& message) {
  const auto bytes = write_app_message(message);
  send(events, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

[[noreturn]] void give_up(int events, AppStep step, int error) {
  tell(events, {AppMessage::Kind::failed, step, error});
  _exit(1);
}

std::uint64_t available(const char* path) {
  const auto text = read_file(path, kIdMapBytesMax);
  return text ? ids_available(as_text(*text)) : 0;
}

struct Pipe {
  Fd read;
  Fd write;
};

std::optional<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

struct Started {
  pid_t pid = 0;
  bool shares_user = false;
};

// Reads the child's report: nothing when it executed the command.
void expect_exec(int events, const Pipe& report) {
  std::array<Byte, kAppMessageBytes> bytes{};
  const ssize_t got = read(report.read.get(), bytes.data(), bytes.size());
  if (got == 0) return;
  const auto message = parse_app_message(bytes);
  if (got != static_cast<ssize_t>(bytes.size()) || !message) give_up(events, AppStep::exec, EIO);
  give_up(events, message->step, message->value);
}

Started start_command(const InitEnds& ends, const AppSpec& spec, const IdMap& users, const IdMap& groups) {
  auto ask = make_pipe();
  auto answer = make_pipe();
  auto report = make_pipe();
  const Fd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!ask || !answer || !report || !null) give_up(ends.events, AppStep::fork, errno);
  const pid_t child = fork();
  if (child < 0) give_up(ends.events, AppStep::fork, errno);
  if (child == 0) {
    become_app(spec, users,
               ChildEnds{null.get(), ends.out, ends.err, ask->write.get(), answer->read.get(), report->write.get()});
  }
  ask->write.reset();
  answer->read.reset();
  report->write.reset();
  char byte = 0;
  if (read(ask->read.get(), &byte, 1) == 1) {
    if (const int error = write_id_maps(child, users, groups)) give_up(ends.events, AppStep::user_namespace, error);
    byte = 'm';
    if (write(answer->write.get(), &byte, 1) != 1) give_up(ends.events, AppStep::user_namespace, errno);
  }
  expect_exec(ends.events, *report);
  return Started{child, users.shared};
}

// From here on: wait, signal the app's processes (whose user is another), nothing else. No program, no file, no socket,
// no child of its own.
void give_up_powers(int events) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> data{};
  data[0] = {1U << CAP_KILL, 1U << CAP_KILL, 0};
  if (syscall(SYS_capset, &header, data.data()) != 0) give_up(events, AppStep::capabilities, errno);
  policy::SyscallRules rules = policy::app_syscall_rules();
  for (const int number : {SYS_execve, SYS_execveat, SYS_openat, SYS_socket, SYS_connect, SYS_clone, SYS_unshare,
                           SYS_chroot, SYS_setresuid, SYS_setresgid, SYS_capset}) {
    rules.refused.insert(rules.refused.begin(), {number, EPERM, std::nullopt});
  }
  std::vector<sock_filter> code = policy::compile_syscall_filter(rules);
  const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0) {
    give_up(events, AppStep::filter, errno);
  }
}

// Reaps all that ended. The command's end is the end of everything.
void reap(int events, pid_t command) {
  for (;;) {
    int status = 0;
    const pid_t ended = waitpid(-1, &status, WNOHANG);
    if (ended <= 0) return;
    if (ended != command) continue;
    tell(events, {AppMessage::Kind::exited, AppStep::none, status});
    _exit(0);
  }
}

// Passes signals on; ends when the runtime's end of the socket is gone.
void obey(int events, pid_t command) {
  std::array<Byte, kAppMessageBytes> bytes{};
  const ssize_t got = recv(events, bytes.data(), bytes.size(), MSG_WAITALL);
  if (got != static_cast<ssize_t>(bytes.size())) _exit(0);
  const auto message = parse_app_message(bytes);
  if (message && message->kind == AppMessage::Kind::signal) kill(command, message->value);
}

}  // namespace

void run_app_init(const InitEnds& ends) {
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  sigset_t child_signal;
  sigemptyset(&child_signal);
  sigaddset(&child_signal, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child_signal, nullptr);
  const Fd ended(signalfd(-1, &child_signal, SFD_CLOEXEC));
  Started started;
  {
    auto spec = read_spec(ends.spec);
    if (!spec || spec->command.empty()) give_up(ends.events, AppStep::spec, EINVAL);
    const IdMap users = choose_id_map(available("/proc/self/uid_map"), spec->user.uid);
    const IdMap groups = choose_id_map(available("/proc/self/gid_map"), spec->user.gid);
    if (const auto owned = give_to_app_root(spec->root, users.root, groups.root); !owned) {
      give_up(ends.events, AppStep::ownership, EPERM);
    }
    if (!spec->hostname.empty()) [[maybe_unused]]
      const int set = sethostname(spec->hostname.data(), spec->hostname.size());
    if (const auto failure = enter_app_root(*spec, users, groups)) give_up(ends.events, failure->step, failure->error);
    started = start_command(ends, *spec, users, groups);
  }  // the spec and its secrets are wiped here
  for (const int fd : {ends.spec, ends.out, ends.err}) close(fd);
  give_up_powers(ends.events);
  tell(ends.events,
       {started.shares_user ? AppMessage::Kind::shares_user : AppMessage::Kind::started, AppStep::none, 0});
  std::array<pollfd, 2> wait{{{ended.get(), POLLIN, 0}, {ends.events, POLLIN, 0}}};
  for (;;) {
    reap(ends.events, started.pid);
    if (poll(wait.data(), wait.size(), -1) < 0 && errno != EINTR) _exit(1);
    if (wait[0].revents != 0) {
      signalfd_siginfo info{};
      [[maybe_unused]] const ssize_t got = read(ended.get(), &info, sizeof info);
    }
    if (wait[1].revents != 0) obey(ends.events, started.pid);
  }
}

}  // namespace cages::runtime
