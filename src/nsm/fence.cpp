// SPDX-License-Identifier: Apache-2.0
#include "nsm/fence.h"

#include <fcntl.h>
#include <grp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace cages::nsm {
namespace {

constexpr int kChannel = 3;

// The sanitizers' runtime opens pipes, reads /proc and traces its own process: in test builds the fence would stop it.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

std::unexpected<Error> lacking(const char* what, int number) {
  return fail(Code::MACHINE, what, "a kernel that allows it", errno_error("", number).got);
}

Result<void> limit(decltype(RLIMIT_CORE) resource, rlim_t most, const char* what) {
  const rlimit value{most, most};
  if (::setrlimit(resource, &value) != 0) return lacking(what, errno);
  return {};
}

// What answering takes: the channel, standard error, memory, time, random bytes.
constexpr std::array kAllowed{
    SCMP_SYS(recvfrom),      SCMP_SYS(sendto),    SCMP_SYS(poll),         SCMP_SYS(ppoll),        SCMP_SYS(write),
    SCMP_SYS(writev),        SCMP_SYS(brk),       SCMP_SYS(munmap),       SCMP_SYS(mremap),       SCMP_SYS(madvise),
    SCMP_SYS(futex),         SCMP_SYS(getrandom), SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep), SCMP_SYS(getpid),  SCMP_SYS(gettid),       SCMP_SYS(tgkill),       SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigaction),  SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall), SCMP_SYS(close), SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

Result<void> filter_system_calls() {
  const scmp_filter_ctx filter = ::seccomp_init(SCMP_ACT_ERRNO(EPERM));
  if (filter == nullptr) return lacking("seccomp", ENOMEM);
  int failed = 0;
  for (const int call : kAllowed) {
    if (const int outcome = ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0); outcome != 0) failed = outcome;
  }
  // Memory is for data, never for code.
  const scmp_arg_cmp not_executable{2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0};
  for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)}) {
    const int outcome = ::seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &not_executable);
    if (outcome != 0) failed = outcome;
  }
  if (failed == 0) failed = ::seccomp_load(filter);
  ::seccomp_release(filter);
  if (failed != 0) return lacking("seccomp", -failed);
  return {};
}

}  // namespace

Result<Fd> take_channel(int fd) {
  int domain = 0;
  int type = 0;
  socklen_t length = sizeof domain;
  socklen_t type_length = sizeof type;
  if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) != 0 ||
      ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_length) != 0 || domain != AF_UNIX || type != SOCK_SEQPACKET) {
    return fail(Code::USAGE, "--channel", "an inherited SOCK_SEQPACKET Unix socket", std::to_string(fd));
  }
  if (fd != kChannel && ::dup2(fd, kChannel) != kChannel) return fail(errno_error("--channel", errno));
  if (fd < kChannel) {
    // Standard input was the channel, say: the slot must not be free for another file.
    const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!null || ::dup2(null.get(), fd) != fd) return fail(errno_error("/dev/null", errno));
  }
  if (::close_range(kChannel + 1, ~0U, 0) != 0) return fail(errno_error("close_range", errno));
  const int flags = ::fcntl(kChannel, F_GETFL);
  if (flags < 0 || ::fcntl(kChannel, F_SETFL, flags & ~O_NONBLOCK) != 0) return fail(errno_error("--channel", errno));
  return Fd(kChannel);
}

Result<void> become(std::uint32_t uid) {
  if (uid == 0) return {};
  int death_signal = 0;
  if (::prctl(PR_GET_PDEATHSIG, &death_signal, 0, 0, 0) != 0) return lacking("PR_GET_PDEATHSIG", errno);
  if (::setgroups(0, nullptr) != 0) return lacking("setgroups", errno);
  if (::setresgid(uid, uid, uid) != 0 || ::setresuid(uid, uid, uid) != 0) return lacking("setresuid", errno);
  // Changing the user has cleared it.
  if (::prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0) return lacking("PR_SET_PDEATHSIG", errno);
  return {};
}

Result<void> enter_fence() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return lacking("no_new_privs", errno);
  if (kSanitized) return {};
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return lacking("PR_SET_DUMPABLE", errno);
  TRY(limit(RLIMIT_CORE, 0, "RLIMIT_CORE"));
  TRY(limit(RLIMIT_NPROC, 0, "RLIMIT_NPROC"));
  // Descriptors 0 … 3 are taken and no more are to be had.
  TRY(limit(RLIMIT_NOFILE, kChannel + 1, "RLIMIT_NOFILE"));
  return filter_system_calls();
}

}  // namespace cages::nsm
