// SPDX-License-Identifier: Apache-2.0
#include "policy/syscall_filter.h"

#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <linux/vm_sockets.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cstring>

namespace cages::policy {
namespace {

// The part of classic BPF that the compiler writes, as the kernel runs it.
std::uint32_t run(const std::vector<sock_filter>& code, const seccomp_data& data) {
  std::uint32_t accumulator = 0;
  for (std::size_t at = 0; at < code.size(); ++at) {
    const sock_filter& step = code[at];
    switch (step.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        EXPECT_LE(step.k + 4, sizeof data);
        std::memcpy(&accumulator, reinterpret_cast<const char*>(&data) + step.k, 4);
        break;
      case BPF_JMP | BPF_JEQ | BPF_K: at += accumulator == step.k ? step.jt : step.jf; break;
      case BPF_JMP | BPF_JGE | BPF_K: at += accumulator >= step.k ? step.jt : step.jf; break;
      case BPF_JMP | BPF_JGT | BPF_K: at += accumulator > step.k ? step.jt : step.jf; break;
      case BPF_JMP | BPF_JSET | BPF_K: at += (accumulator & step.k) != 0 ? step.jt : step.jf; break;
      case BPF_RET | BPF_K: return step.k;
      default: ADD_FAILURE() << "instruction " << step.code; return 0;
    }
  }
  ADD_FAILURE() << "ran off the end";
  return 0;
}

std::uint32_t app(int number, std::uint64_t first = 0, std::uint64_t second = 0,
                  std::uint32_t arch = AUDIT_ARCH_X86_64) {
  static const std::vector<sock_filter> kCode = compile_syscall_filter(app_syscall_rules());
  seccomp_data data{};
  data.nr = number;
  data.arch = arch;
  data.args[0] = first;
  data.args[1] = second;
  return run(kCode, data);
}

std::uint32_t refused(int number) { return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(number); }

TEST(AppFilter, OrdinaryCallsPass) {
  for (const int number : {SYS_read, SYS_write, SYS_openat, SYS_mmap, SYS_execve, SYS_fork, SYS_futex, SYS_accept4,
                           SYS_connect, SYS_bind, SYS_setuid, SYS_chroot, SYS_epoll_wait, SYS_getrandom}) {
    EXPECT_EQ(app(number), SECCOMP_RET_ALLOW) << number;
  }
  for (const int family : {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK}) {
    EXPECT_EQ(app(SYS_socket, static_cast<std::uint64_t>(family)), SECCOMP_RET_ALLOW) << family;
  }
  EXPECT_EQ(app(SYS_clone, CLONE_VM | CLONE_THREAD | CLONE_SIGHAND), SECCOMP_RET_ALLOW);
  EXPECT_EQ(app(SYS_unshare, CLONE_FILES), SECCOMP_RET_ALLOW);
  EXPECT_EQ(app(SYS_ioctl, 1, 0x5401), SECCOMP_RET_ALLOW);
}

TEST(AppFilter, EveryOtherAddressFamilyIsRefused) {
  for (std::uint64_t family = 0; family < 64; ++family) {
    if (family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK) continue;
    EXPECT_EQ(app(SYS_socket, family), refused(EAFNOSUPPORT)) << family;
    EXPECT_EQ(app(SYS_socketpair, family), refused(EAFNOSUPPORT)) << family;
  }
  // The kernel looks at the low half: a high bit must not hide the family.
  EXPECT_EQ(app(SYS_socket, (1ULL << 32) | AF_VSOCK), refused(EAFNOSUPPORT));
}

TEST(AppFilter, WhatReachesBeyondTheAppIsRefused) {
  for (const int number : {SYS_bpf,
                           SYS_ptrace,
                           SYS_process_vm_readv,
                           SYS_process_vm_writev,
                           SYS_pidfd_getfd,
                           SYS_kexec_load,
                           SYS_kexec_file_load,
                           SYS_reboot,
                           SYS_init_module,
                           SYS_finit_module,
                           SYS_delete_module,
                           SYS_mount,
                           SYS_umount2,
                           SYS_pivot_root,
                           SYS_fsopen,
                           SYS_fsmount,
                           SYS_move_mount,
                           SYS_open_tree,
                           SYS_setns,
                           SYS_keyctl,
                           SYS_userfaultfd,
                           SYS_perf_event_open}) {
    EXPECT_EQ(app(number), refused(EPERM)) << number;
  }
  for (const int number : {SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_clone3}) {
    EXPECT_EQ(app(number), refused(ENOSYS)) << number;
  }
  for (const std::uint64_t flag :
       {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS}) {
    EXPECT_EQ(app(SYS_clone, flag | SIGCHLD), refused(EPERM)) << flag;
    EXPECT_EQ(app(SYS_unshare, flag), refused(EPERM)) << flag;
    EXPECT_EQ(app(SYS_unshare, flag | 1ULL << 40), refused(EPERM)) << flag;
  }
  EXPECT_EQ(app(SYS_ioctl, 0, 0x5412), refused(EPERM));
}

TEST(AppFilter, OtherArchitecturesEndTheProcess) {
  EXPECT_EQ(app(SYS_read, 0, 0, AUDIT_ARCH_I386), SECCOMP_RET_KILL_PROCESS);
  EXPECT_EQ(app(SYS_read, 0, 0, 0), SECCOMP_RET_KILL_PROCESS);
  EXPECT_EQ(app(0x40000000 | SYS_read), SECCOMP_RET_KILL_PROCESS);
  EXPECT_EQ(app(-1), SECCOMP_RET_KILL_PROCESS);
}

TEST(AppFilter, CallsThatNobodyHasJudgedDoNotExist) {
  EXPECT_EQ(app(462), SECCOMP_RET_ALLOW);
  EXPECT_EQ(app(463), refused(ENOSYS));
  EXPECT_EQ(app(2000), refused(ENOSYS));
}

TEST(SyscallFilter, AllowListRefusesTheRestAndKeepsItsConditions) {
  SyscallRules rules;
  rules.refused = {{SYS_socket, EACCES, ArgumentTest{0, ArgumentTest::Kind::low_not_in, {AF_UNIX}}}};
  rules.allowed = {SYS_read, SYS_socket};
  rules.otherwise_errno = EPERM;
  const auto code = compile_syscall_filter(rules);
  const auto call = [&](int number, std::uint64_t first) {
    seccomp_data data{};
    data.nr = number;
    data.arch = AUDIT_ARCH_X86_64;
    data.args[0] = first;
    return run(code, data);
  };
  EXPECT_EQ(call(SYS_read, 0), SECCOMP_RET_ALLOW);
  EXPECT_EQ(call(SYS_socket, AF_UNIX), SECCOMP_RET_ALLOW);
  EXPECT_EQ(call(SYS_socket, AF_INET), refused(EACCES));
  EXPECT_EQ(call(SYS_execve, 0), refused(EPERM));
}

}  // namespace
}  // namespace cages::policy
