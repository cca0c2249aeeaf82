// SPDX-License-Identifier: Apache-2.0
#include "runtime/boot/fence.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <linux/vm_sockets.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/check.h"
#include "base/file.h"
#include "policy/syscall_filter.h"

namespace cages::runtime {
namespace {

Error refused(const char* what) { return {Code::FENCE, what, "", errno_error("", errno).got}; }

// What the event loop, TLS, HTTP and the C library use once everything is running; the C library's own fallbacks are
// among them. The end-to-end tests run under it.
// clang-format off
constexpr auto kLeft = std::to_array<int>({
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_close, SYS_lseek, SYS_pread64, SYS_pwrite64, SYS_fstat,
    SYS_newfstatat, SYS_statx, SYS_openat, SYS_fcntl, SYS_dup, SYS_dup3, SYS_pipe2, SYS_ioctl, SYS_ftruncate,
    SYS_memfd_create, SYS_socket, SYS_socketpair, SYS_connect, SYS_bind, SYS_listen, SYS_accept4, SYS_shutdown,
    SYS_sendto, SYS_recvfrom, SYS_sendmsg, SYS_recvmsg, SYS_getsockname, SYS_getpeername, SYS_setsockopt,
    SYS_getsockopt, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_ppoll, SYS_pselect6, SYS_eventfd2,
    SYS_timerfd_create, SYS_timerfd_settime, SYS_signalfd4, SYS_mmap, SYS_mprotect, SYS_munmap, SYS_mremap,
    SYS_madvise, SYS_brk, SYS_mlock, SYS_munlock, SYS_futex, SYS_clock_gettime, SYS_clock_nanosleep, SYS_nanosleep,
    SYS_splice, SYS_gettimeofday, SYS_getrandom, SYS_sched_yield, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn,
    SYS_sigaltstack, SYS_restart_syscall, SYS_getpid, SYS_gettid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid,
    SYS_wait4, SYS_waitid, SYS_tgkill, SYS_prctl, SYS_prlimit64, SYS_getrusage, SYS_sysinfo, SYS_uname, SYS_unlink,
    SYS_unlinkat, SYS_exit, SYS_exit_group, SYS_rseq,
#ifdef __x86_64__
    SYS_epoll_wait, SYS_poll, SYS_pipe, SYS_stat, SYS_lstat, SYS_open, SYS_accept, SYS_time,
#endif
});
// clang-format on

policy::SyscallRules runtime_rules(const FencePlan& plan) {
  using Test = policy::ArgumentTest;
  using Kind = Test::Kind;
  policy::SyscallRules rules;
  const auto host = static_cast<std::uint32_t>(plan.host_family);
  const bool open = CAGES_CHECK("FENCE sockets", false);
  // Of the C library's own resolver and of what libcrypto could dial there is nothing left: no datagrams, no netlink.
  if (!open) {
    rules.refused = {
        {SYS_socket, EAFNOSUPPORT, Test{0, Kind::low_not_in, {host, AF_INET, AF_INET6}}},
        {SYS_socket, EACCES, Test{0, Kind::low_not_in, {host}}, Test{1, Kind::kind_not, {SOCK_STREAM}}},
    };
  }
  rules.refused.insert(rules.refused.end(),
                       {{SYS_mprotect, EPERM, Test{2, Kind::any_bit_of, {0x4 /* PROT_EXEC */}}},
                        {SYS_mmap, EPERM, Test{2, Kind::any_bit_of, {0x4 /* PROT_EXEC */}}},
                        // Its own children are reaped; nobody else is signalled.
                        {SYS_prctl, EPERM, Test{0, Kind::low_equals, {PR_SET_DUMPABLE}}}});
  rules.allowed.assign(kLeft.begin(), kLeft.end());
  rules.otherwise_errno = EPERM;
  return rules;
}

Result<void> drop_capabilities() {
  // Low ports and the redirect are set up by now.
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> none{};
  if (syscall(SYS_capset, &header, none.data()) != 0) return fail(refused("capabilities"));
  return {};
}

// Linux 6.7; the headers of the building machine may not know them.
constexpr long kLandlockWithTcp = 4;
constexpr std::uint64_t kConnectTcp = 1ULL << 1;  // LANDLOCK_ACCESS_NET_CONNECT_TCP
constexpr int kRuleNetPort = 2;                   // LANDLOCK_RULE_NET_PORT
struct LandlockRules {
  std::uint64_t files = 0;
  std::uint64_t network = 0;
};
struct LandlockPort {
  std::uint64_t access = 0;
  std::uint64_t port = 0;
};

Result<void> allow_ports(const Fd& rules, const FencePlan& plan) {
  for (const std::uint16_t port : plan.app_ports) {
    const LandlockPort one{kConnectTcp, port};
    if (syscall(SYS_landlock_add_rule, rules.get(), kRuleNetPort, &one, 0) != 0) return fail(refused("Landlock"));
  }
  return {};
}

// Every access right that this kernel's Landlock knows is handled, and only reading below /proc and connecting to the
// app are given back. Sockets that were reached by path stay reachable: Landlock does not look at connect(2) to them.
Result<std::string> close_files(const FencePlan& plan) {
  const long version = syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) return std::string("no Landlock");
  LandlockRules handled;
  handled.files = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                              LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
                              LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                              LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                              LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                              LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;
  if (version >= 2) handled.files |= LANDLOCK_ACCESS_FS_REFER;
  const bool tcp = version >= kLandlockWithTcp && !CAGES_CHECK("FENCE connections", false);
  if (tcp) handled.network = kConnectTcp;
  const std::size_t size = tcp ? sizeof handled : sizeof handled.files;
  const Fd rules(static_cast<int>(syscall(SYS_landlock_create_ruleset, &handled, size, 0)));
  const Fd proc(open("/proc", O_PATH | O_CLOEXEC));
  if (!rules || !proc) return fail(refused("Landlock"));
  landlock_path_beneath_attr below{};
  below.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
  below.parent_fd = proc.get();
  if (syscall(SYS_landlock_add_rule, rules.get(), LANDLOCK_RULE_PATH_BENEATH, &below, 0) != 0)
    return fail(refused("Landlock"));
  if (tcp) TRY(allow_ports(rules, plan));
  if (syscall(SYS_landlock_restrict_self, rules.get(), 0) != 0) return fail(refused("Landlock"));
  return std::string(version >= kLandlockWithTcp ? "" : "Landlock does not know TCP");
}

Result<void> install(const policy::SyscallRules& rules) {
  std::vector<sock_filter> code = policy::compile_syscall_filter(rules);
  const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  // All threads, should a library have started one.
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) != 0)
    return fail(refused("seccomp"));
  return {};
}

}  // namespace

Result<void> begin_fence() {
  const rlimit none{0, 0};
  if (setrlimit(RLIMIT_CORE, &none) != 0) return fail(refused("RLIMIT_CORE"));
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return fail(refused("PR_SET_DUMPABLE"));
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail(refused("PR_SET_NO_NEW_PRIVS"));
  return {};
}

Result<std::string> close_fence(const FencePlan& plan) {
  TRY_ASSIGN(std::string missing, close_files(plan));
  TRY(drop_capabilities());
  TRY(install(runtime_rules(plan)));
  return missing;
}

}  // namespace cages::runtime
