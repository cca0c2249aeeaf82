// SPDX-License-Identifier: Apache-2.0
#include "runtime/app/spawner.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>

#include "runtime/app/init.h"
#include "runtime/app/protocol.h"

namespace cages::runtime {
namespace {

constexpr char kStart = 'S';
constexpr char kEnd = 'E';
constexpr std::size_t kHanded = 4;  // spec, out, err, events

union ControlBuffer {
  cmsghdr header;
  std::array<char, CMSG_SPACE(sizeof(int) * kHanded)> bytes;
};

// One request as received; descriptors are owned at once.
struct Request {
  char what = 0;
  std::vector<Fd> handed;
};

// None when the runtime's end is gone.
std::optional<Request> receive(int socket) {
  Request request;
  iovec piece{&request.what, 1};
  ControlBuffer control{};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  ssize_t got = 0;
  do {
    got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return std::nullopt;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    std::array<int, kHanded> fds{};
    std::memcpy(fds.data(), CMSG_DATA(header), std::min(count, kHanded) * sizeof(int));
    for (std::size_t i = 0; i < std::min(count, kHanded); ++i) request.handed.emplace_back(fds.at(i));
  }
  return request;
}

void report_failure(const Fd& events, AppStep step, int error) {
  const auto bytes = write_app_message({AppMessage::Kind::failed, step, error});
  send(events.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

// The app and whatever it forked: one process namespace, so that ending its init ends them all.
class App {
 public:
  ~App() { end(); }
  void start(const Request& request) {
    end();
    if (request.handed.size() != kHanded) return;
    // clone, not fork: the child is to be process 1 of the new namespace. This process has one thread.
    const auto child =
        static_cast<pid_t>(syscall(SYS_clone, CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | SIGCHLD,
                                   nullptr, nullptr, nullptr, nullptr));
    if (child == 0) {
      run_app_init(
          InitEnds{request.handed[0].get(), request.handed[1].get(), request.handed[2].get(), request.handed[3].get()});
    }
    if (child < 0) return report_failure(request.handed[3], AppStep::namespaces, errno);
    init_ = child;
  }
  void end() {
    if (init_ == 0) return;
    kill(init_, SIGKILL);
    while (waitpid(init_, nullptr, 0) < 0 && errno == EINTR) {
    }
    init_ = 0;
  }
  void reap() {
    if (init_ != 0 && waitpid(init_, nullptr, WNOHANG) == init_) init_ = 0;
  }

 private:
  pid_t init_ = 0;  // not reaped yet, so that the number is still its own
};

void keep_only(int socket) {
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int fd : {0, 1, 2}) {
    if (null >= 0) dup2(null, fd);
  }
  dup2(socket, 3);
  if (syscall(SYS_close_range, 4U, ~0U, 0U) == 0) return;
  for (int fd = 4; fd < 4096; ++fd) close(fd);  // before Linux 5.9
}

[[noreturn]] void run_spawner(int runtime_socket) {
  keep_only(runtime_socket);
  const int socket = 3;
  fcntl(socket, F_SETFD, FD_CLOEXEC);
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  prctl(PR_SET_NAME, "cage-spawner", 0, 0, 0);
  // Ctrl-C in a developer's terminal is for the runtime, which stops the app in order.
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) signal(number, SIG_IGN);
  sigset_t child_signal;
  sigemptyset(&child_signal);
  sigaddset(&child_signal, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child_signal, nullptr);
  const Fd ended(signalfd(-1, &child_signal, SFD_CLOEXEC));
  App app;
  std::array<pollfd, 2> wait{{{socket, POLLIN, 0}, {ended.get(), POLLIN, 0}}};
  for (;;) {
    if (poll(wait.data(), wait.size(), -1) < 0 && errno != EINTR) break;
    if (wait[1].revents != 0) {
      signalfd_siginfo info{};
      [[maybe_unused]] const ssize_t got = read(ended.get(), &info, sizeof info);
      app.reap();
    }
    if (wait[0].revents == 0) continue;
    const auto request = receive(socket);
    if (!request) break;
    if (request->what == kStart) app.start(*request);
    if (request->what == kEnd) app.end();
  }
  app.end();
  _exit(0);
}

Result<void> send_request(int socket, char what, std::span<const int> handed) {
  iovec piece{&what, 1};
  ControlBuffer control{};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (!handed.empty()) {
    message.msg_control = control.bytes.data();
    message.msg_controllen = CMSG_SPACE(handed.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(handed.size_bytes());
    std::memcpy(CMSG_DATA(header), handed.data(), handed.size_bytes());
  }
  if (sendmsg(socket, &message, MSG_NOSIGNAL) == 1) return {};
  return fail(errno_error("spawner", errno));
}

struct Ends {
  Fd ours;
  Fd theirs;
};

Result<Ends> make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return fail(errno_error("pipe2", errno));
  return Ends{Fd(ends[0]), Fd(ends[1])};
}

Result<Ends> make_sockets(int type) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()) != 0) return fail(errno_error("socketpair", errno));
  return Ends{Fd(ends[0]), Fd(ends[1])};
}

}  // namespace

Result<Spawner> Spawner::fork() {
  TRY_ASSIGN(Ends sockets, make_sockets(SOCK_SEQPACKET));
  const pid_t child = ::fork();
  if (child < 0) return fail(errno_error("fork", errno));
  if (child == 0) run_spawner(sockets.theirs.get());
  return Spawner(std::move(sockets.ours), child);
}

Result<AppEnds> Spawner::start(const AppSpec& spec) {
  TRY_ASSIGN(const Fd sealed, seal_spec(spec));
  TRY_ASSIGN(Ends out, make_pipe());
  TRY_ASSIGN(Ends err, make_pipe());
  TRY_ASSIGN(Ends events, make_sockets(SOCK_STREAM));
  const std::array<int, kHanded> handed{sealed.get(), out.theirs.get(), err.theirs.get(), events.theirs.get()};
  TRY(send_request(socket_.get(), kStart, handed));
  return AppEnds{std::move(out.ours), std::move(err.ours), std::move(events.ours)};
}

Result<void> Spawner::end() { return send_request(socket_.get(), kEnd, {}); }

}  // namespace cages::runtime
