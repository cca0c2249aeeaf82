// SPDX-License-Identifier: Apache-2.0
#include "host/drivers/launch.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "base/limits.h"
#include "host/drivers/inside.h"
#include "host/drivers/warden.h"

namespace cages::drivers {
namespace {

using machine::Mode;

struct Pipe {
  Fd read;
  Fd write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(errno_error("pipe", errno));
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

Result<Pipe> make_pair(int type) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()) != 0) return fail(errno_error("socketpair", errno));
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

// Everything the child needs, made before it exists: between clone and exec it may not allocate.
struct ChildPlan {
  int program = -1;
  int start = -1;  // becomes readable when ids are mapped; its end means that the host is gone
  bool set_groups = true;
  std::array<int, kFirstFreeFd> descriptors{};  // what each number is to be
  std::array<char*, 4> arguments{};
};

// Runs in the child.
[[noreturn]] void become_warden(const ChildPlan& plan) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  char byte = 0;
  ssize_t n = 0;
  do n = ::read(plan.start, &byte, 1);
  while (n < 0 && errno == EINTR);
  if (n != 1) ::_exit(1);
  // Raw calls: the C library's would ask every thread of the parent, none of which exists here.
  if (plan.set_groups && ::syscall(SYS_setgroups, 0, nullptr) != 0) ::_exit(1);
  if (::syscall(SYS_setresgid, 0, 0, 0) != 0 || ::syscall(SYS_setresuid, 0, 0, 0) != 0) ::_exit(1);
  // Changing ids has cleared it. A host that died in between has closed kControlFd, which the warden sees.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  // First up and out of the way, then down to the numbers.
  std::array<int, kFirstFreeFd> high{};
  constexpr int kHigh = 128;
  const int program = ::fcntl(plan.program, F_DUPFD_CLOEXEC, kHigh);
  for (std::size_t i = 0; i < high.size(); ++i) high[i] = ::fcntl(plan.descriptors[i], F_DUPFD_CLOEXEC, kHigh);
  for (std::size_t i = 0; i < high.size(); ++i) {
    if (::dup2(high[i], static_cast<int>(i)) < 0) ::_exit(1);
  }
  ::close_range(kFirstFreeFd, ~0U, CLOSE_RANGE_CLOEXEC);
  std::array<char*, 1> environment{nullptr};
  ::syscall(SYS_execveat, program, "", plan.arguments.data(), environment.data(), AT_EMPTY_PATH);
  ::_exit(127);
}

// How many tasks this user has now. Without control groups the limit on an enclave's is set on the user, whose own
// count too.
std::uint64_t tasks_of(uid_t uid) {
  std::uint64_t count = 0;
  DIR* const folder = ::opendir("/proc");
  if (folder == nullptr) return 0;
  while (const dirent* const entry = ::readdir(folder)) {
    if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
    struct stat status{};
    const std::string tasks = std::string("/proc/") + entry->d_name + "/task";
    if (::stat(tasks.c_str(), &status) == 0 && status.st_uid == uid && status.st_nlink > 2)
      count += status.st_nlink - 2;
  }
  ::closedir(folder);
  return count;
}

// The user namespace made while this lives allows no more tasks than that (user_namespaces(7): the maker's limit holds
// for all of it). Takes effect on the namespace alone: the old limit is back at once.
class TaskLimit {
 public:
  TaskLimit(bool wanted, std::uint64_t processes_max) : wanted_(wanted) {
    if (!wanted_ || ::getrlimit(RLIMIT_NPROC, &before_) != 0) return;
    rlimit lower = before_;
    lower.rlim_cur = std::min<rlim_t>(before_.rlim_cur, tasks_of(::geteuid()) + processes_max);
    ::setrlimit(RLIMIT_NPROC, &lower);
  }
  ~TaskLimit() {
    if (wanted_) ::setrlimit(RLIMIT_NPROC, &before_);
  }
  TaskLimit(const TaskLimit&) = delete;
  TaskLimit& operator=(const TaskLimit&) = delete;

 private:
  bool wanted_;
  rlimit before_{};
};

Result<pid_t> clone_child(const ChildPlan& plan, Fd& process) {
  int pidfd = -1;
  clone_args arguments{};
  arguments.flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
  arguments.exit_signal = SIGCHLD;
  const auto pid = static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof arguments));
  if (pid == 0) become_warden(plan);
  if (pid < 0) return fail(Code::DRIVER_ROOT, "namespaces", "", errno_error("", errno).got);
  process.reset(pidfd);
  return pid;
}

Result<void> release(const Fd& start, const Fd& go, const Plan& plan) {
  const char byte = 's';
  const Bytes frame = write_plan(plan);
  if (::write(start.get(), &byte, 1) != 1) return fail(errno_error("warden", errno));
  if (::write(go.get(), frame.data(), frame.size()) != static_cast<ssize_t>(frame.size()))
    return fail(errno_error("plan", errno));
  return {};
}

}  // namespace

Result<Launched> launch(Launch launch, const machine::Identity& identity, const IdSlot& slot, const Cgroup* cgroup) {
  const Fd program(::open(launch.program.empty() ? "/proc/self/exe" : launch.program.c_str(), O_RDONLY | O_CLOEXEC));
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!program || !null) return fail(errno_error(launch.program.empty() ? "/proc/self/exe" : launch.program, errno));
  TRY_ASSIGN(Pipe start, make_pipe());
  TRY_ASSIGN(Pipe go, make_pipe());
  TRY_ASSIGN(Pipe console, make_pipe());
  TRY_ASSIGN(Pipe control, make_pair(SOCK_STREAM));
  TRY_ASSIGN(Pipe handover, make_pair(SOCK_SEQPACKET));

  std::string name = "cage-host";
  std::string word = kWardenWord;
  std::string id = launch.plan.id;
  ChildPlan plan;
  plan.program = program.get();
  plan.start = start.read.get();
  plan.set_groups = identity.mode != Mode::single_id;
  plan.descriptors = {null.get(),         console.write.get(), console.write.get(), launch.nsm.get(),
                      launch.image.get(), control.write.get(), go.read.get(),       handover.write.get()};
  plan.arguments = {name.data(), word.data(), id.data(), nullptr};

  Launched out;
  {
    const TaskLimit limit(launch.plan.limit_by_rlimits, launch.plan.processes_max);
    TRY_ASSIGN(out.pid, clone_child(plan, out.process));
  }
  out.control = std::move(control.read);
  out.go = std::move(go.write);
  out.handover = std::move(handover.read);
  out.console = std::move(console.read);
  const auto prepare = [&]() -> Result<void> {
    if (cgroup != nullptr) TRY(cgroup->add(out.pid));
    TRY(map_ids(out.pid, identity, slot));
    return release(start.write, out.go, launch.plan);
  };
  if (auto prepared = prepare(); !prepared) {
    ::kill(out.pid, SIGKILL);
    reap(out);
    return fail(std::move(prepared).error());
  }
  return out;
}

Result<Handover> receive_handover(const Fd& socket, std::size_t ports) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * (limits::kEnclavePortsMax + 1))> control{};
  char byte = 0;
  iovec data{&byte, 1};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (::recvmsg(socket.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) != 1)
    return fail(Code::DRIVER_LOST, "handover");
  Handover out;
  std::vector<Fd> all;
  for (cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr; head = CMSG_NXTHDR(&message, head)) {
    if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
    for (std::size_t at = 0; at + sizeof(int) <= head->cmsg_len - CMSG_LEN(0); at += sizeof(int)) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(head) + at, sizeof number);
      all.emplace_back(number);
    }
  }
  if (all.size() != ports + 1) {
    return fail(Code::DRIVER_LOST, "handover", std::to_string(ports + 1) + " descriptors", std::to_string(all.size()));
  }
  out.folder = std::move(all.front());
  for (std::size_t i = 1; i < all.size(); ++i) out.listeners.push_back(std::move(all[i]));
  return out;
}

void reap(const Launched& launched) {
  siginfo_t info{};
  while (::waitid(P_PIDFD, static_cast<id_t>(launched.process.get()), &info, WEXITED) != 0 && errno == EINTR) {
  }
}

}  // namespace cages::drivers
