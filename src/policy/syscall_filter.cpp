// SPDX-License-Identifier: Apache-2.0
#include "policy/syscall_filter.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>

namespace cages::policy {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
constexpr std::uint32_t kX32Bit = 0x40000000;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
#error "no system call table for this architecture"
#endif

// Numbers from 424 on are the same on every architecture; the headers of the building machine may not know the later
// ones.
constexpr int kNewestKnown = 462;  // mseal

constexpr std::size_t kInstructionsMax = BPF_MAXINSNS;

sock_filter statement(std::uint16_t code, std::uint32_t k) { return {code, 0, 0, k}; }
sock_filter jump(std::uint16_t code, std::uint32_t k, std::uint8_t if_true, std::uint8_t if_false) {
  return {code, if_true, if_false, k};
}
sock_filter load(std::size_t offset) { return statement(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)); }
sock_filter answer(std::uint32_t action) { return statement(BPF_RET | BPF_K, action); }
sock_filter refuse(int number) {
  return answer(SECCOMP_RET_ERRNO | (static_cast<std::uint32_t>(number) & SECCOMP_RET_DATA));
}

std::size_t argument_offset(std::uint8_t index) {
  static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the low half of an argument comes first");
  return offsetof(seccomp_data, args) + std::size_t{index} * sizeof(std::uint64_t);
}

// One test: goes on where it holds, else skips `skip` instructions behind it.
void append_test(std::vector<sock_filter>& code, const ArgumentTest& test, std::uint8_t skip) {
  code.push_back(load(argument_offset(test.index)));
  const std::vector<std::uint32_t>& values = test.values;
  constexpr std::uint32_t kSocketTypeMask = 0xf;  // SOCK_TYPE_MASK, include/linux/net.h
  switch (test.kind) {
    case ArgumentTest::Kind::any_bit_of: code.push_back(jump(BPF_JMP | BPF_JSET | BPF_K, values.at(0), 0, skip)); break;
    case ArgumentTest::Kind::low_equals: code.push_back(jump(BPF_JMP | BPF_JEQ | BPF_K, values.at(0), 0, skip)); break;
    case ArgumentTest::Kind::kind_not:
      code.push_back(statement(BPF_ALU | BPF_AND | BPF_K, kSocketTypeMask));
      code.push_back(jump(BPF_JMP | BPF_JEQ | BPF_K, values.at(0), skip, 0));
      break;
    case ArgumentTest::Kind::low_not_in:
      for (std::size_t i = 0; i < values.size(); ++i) {
        const auto behind = static_cast<std::uint8_t>(values.size() - 1 - i + skip);
        code.push_back(jump(BPF_JMP | BPF_JEQ | BPF_K, values[i], behind, 0));
      }
      break;
  }
}

// The body of one rule; on entry the accumulator holds the number and the number matches.
std::vector<sock_filter> body(const SyscallRule& rule) {
  if (!rule.when) return {refuse(rule.refuse_errno)};
  std::vector<sock_filter> second;
  if (rule.also) append_test(second, *rule.also, 1);
  std::vector<sock_filter> code;
  append_test(code, *rule.when, static_cast<std::uint8_t>(second.size() + 1));
  code.insert(code.end(), second.begin(), second.end());
  code.push_back(refuse(rule.refuse_errno));
  code.push_back(load(offsetof(seccomp_data, nr)));
  return code;
}

SyscallRule always(int number, int refuse_errno = EPERM) { return {number, refuse_errno, std::nullopt}; }

void refuse_all(SyscallRules& rules, std::initializer_list<int> numbers, int refuse_errno = EPERM) {
  for (const int number : numbers) rules.refused.push_back(always(number, refuse_errno));
}

}  // namespace

std::vector<sock_filter> compile_syscall_filter(const SyscallRules& rules) {
  std::vector<sock_filter> code{
      load(offsetof(seccomp_data, arch)),
      jump(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0),
      answer(SECCOMP_RET_KILL_PROCESS),
      load(offsetof(seccomp_data, nr)),
  };
#ifdef __x86_64__
  code.push_back(jump(BPF_JMP | BPF_JGE | BPF_K, kX32Bit, 0, 1));
  code.push_back(answer(SECCOMP_RET_KILL_PROCESS));
#endif
  const int newest = rules.newest_known == 0 ? kNewestKnown : rules.newest_known;
  code.push_back(jump(BPF_JMP | BPF_JGT | BPF_K, static_cast<std::uint32_t>(newest), 0, 1));
  code.push_back(refuse(ENOSYS));
  for (const SyscallRule& rule : rules.refused) {
    const std::vector<sock_filter> rule_body = body(rule);
    code.push_back(jump(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(rule.number), 0,
                        static_cast<std::uint8_t>(rule_body.size())));
    code.insert(code.end(), rule_body.begin(), rule_body.end());
  }
  if (rules.otherwise_errno) {
    for (const int number : rules.allowed) {
      code.push_back(jump(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 1));
      code.push_back(answer(SECCOMP_RET_ALLOW));
    }
    code.push_back(refuse(*rules.otherwise_errno));
  } else {
    code.push_back(answer(SECCOMP_RET_ALLOW));
  }
  if (code.size() > kInstructionsMax) std::abort();
  return code;
}

SyscallRules app_syscall_rules() {
  constexpr std::uint32_t kNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                                        CLONE_NEWPID | CLONE_NEWNET | 0x80 /* CLONE_NEWTIME */;
  const ArgumentTest other_family{0, ArgumentTest::Kind::low_not_in, {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK}};
  SyscallRules rules;
  rules.refused = {
      {SYS_socket, EAFNOSUPPORT, other_family},
      {SYS_socketpair, EAFNOSUPPORT, other_family},
      // clone3 takes its flags through a pointer that no filter can follow; ENOSYS makes libraries use clone.
      always(SYS_clone3, ENOSYS),
      // A user namespace of its own would give the app every capability again.
      {SYS_clone, EPERM, ArgumentTest{0, ArgumentTest::Kind::any_bit_of, {kNamespaces}}},
      {SYS_unshare, EPERM, ArgumentTest{0, ArgumentTest::Kind::any_bit_of, {kNamespaces}}},
      {SYS_ioctl, EPERM, ArgumentTest{1, ArgumentTest::Kind::low_equals, {TIOCSTI}}},
      {SYS_ioctl, EPERM, ArgumentTest{1, ArgumentTest::Kind::low_equals, {0x541C /* TIOCLINUX */}}},
  };
  refuse_all(rules, {SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register}, ENOSYS);
  refuse_all(rules, {SYS_bpf, SYS_perf_event_open, SYS_userfaultfd});
  refuse_all(rules, {SYS_kexec_load, SYS_reboot});
#ifdef SYS_kexec_file_load
  refuse_all(rules, {SYS_kexec_file_load});
#endif
  refuse_all(rules, {SYS_init_module, SYS_finit_module, SYS_delete_module});
  refuse_all(rules, {SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp, SYS_pidfd_getfd});
  refuse_all(rules, {SYS_mount, SYS_umount2, SYS_pivot_root, SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_fspick,
                     SYS_move_mount, SYS_open_tree, 442 /* mount_setattr */, 457 /* statmount */, 458 /* listmount */});
  refuse_all(rules, {SYS_setns, SYS_open_by_handle_at, SYS_quotactl, 443 /* quotactl_fd */, SYS_swapon, SYS_swapoff,
                     SYS_acct});
  refuse_all(rules, {SYS_add_key, SYS_request_key, SYS_keyctl});
  refuse_all(rules, {SYS_settimeofday, SYS_clock_settime, SYS_sethostname, SYS_setdomainname, SYS_syslog, SYS_vhangup});
#ifdef __x86_64__
  refuse_all(rules,
             {SYS_iopl, SYS_ioperm, SYS_modify_ldt, SYS__sysctl, SYS_uselib, SYS_nfsservctl, SYS_lookup_dcookie});
#endif
  return rules;
}

}  // namespace cages::policy
