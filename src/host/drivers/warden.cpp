// SPDX-License-Identifier: Apache-2.0
#include "host/drivers/warden.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "host/drivers/inside.h"

namespace cages::drivers {
namespace {

constexpr int kNamespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP;

// As fork(), into new namespaces; this process has one thread.
pid_t fork_into(int namespaces) {
  return static_cast<pid_t>(
      ::syscall(SYS_clone, static_cast<unsigned long>(namespaces) | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
}

// Commands of the host's, one byte each; its end means that it is gone.
bool obey(pid_t enclave) {
  char command = 0;
  const ssize_t n = ::read(kControlFd, &command, 1);
  if (n < 0) return errno == EINTR || errno == EAGAIN;
  if (n == 0) return false;
  if (command == 't') ::kill(enclave, SIGTERM);
  if (command == 'k') ::kill(enclave, SIGKILL);
  return true;
}

bool reap(pid_t enclave) {
  int status = 0;
  for (;;) {
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return false;
    if (pid != enclave) continue;
    send_report(WIFSIGNALED(status) ? Ended{0, static_cast<std::uint64_t>(WTERMSIG(status))}
                                    : Ended{static_cast<std::uint64_t>(WEXITSTATUS(status)), 0});
    return true;
  }
}

int watch(pid_t enclave, int signals) {
  for (;;) {
    std::array<pollfd, 2> waits{{{kControlFd, POLLIN, 0}, {signals, POLLIN, 0}}};
    if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) return 1;
    if (waits[1].revents != 0) {
      signalfd_siginfo info{};
      [[maybe_unused]] const ssize_t n = ::read(signals, &info, sizeof info);
      if (reap(enclave)) return 0;
    }
    if (waits[0].revents != 0 && !obey(enclave)) return 0;
  }
}

}  // namespace

int run_warden() {
  ::close_range(kFirstFreeFd, ~0U, 0);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::setsid();
  ::umask(022);
  const auto plan = read_plan();
  if (!plan) {
    send_report(failed_from(plan.error()));
    return 1;
  }
  sigset_t blocked;
  sigset_t before;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &blocked, &before);
  const int signals = ::signalfd(-1, &blocked, SFD_CLOEXEC | SFD_NONBLOCK);
  const pid_t enclave = fork_into(kNamespaces);
  if (enclave == 0) {
    ::close(signals);
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    send_report(failed_from(become_enclave(*plan)));
    ::_exit(1);
  }
  if (enclave < 0) {
    send_report(failed_from(Error(Code::DRIVER_ROOT, "namespaces", "", errno_error("", errno).got)));
    return 1;
  }
  // Theirs alone from here on: who waits for their end would wait for ours as well.
  ::close(kNsmFd);
  ::close(kImageFd);
  ::close(kPlanFd);
  ::close(kHandoverFd);
  ::close(STDOUT_FILENO);
  ::close(STDERR_FILENO);
  return watch(enclave, signals);
}

}  // namespace cages::drivers
