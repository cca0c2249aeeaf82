// SPDX-License-Identifier: Apache-2.0
// SyscallFilter: rules about system calls -> the classic BPF program that seccomp(2) runs. A pure function, so that
// tests can run the program over any call. Every program begins with the architecture check and refuses the x32 table:
// a number means nothing without them. For the fences of the runtime and of the app; installing a program is theirs.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace cages::policy {

// A condition on one argument's low 32 bits or on all of it. The kernel truncates many arguments to int, so that a rule
// that compares 64 bits can be walked round by setting a high one: compare what the kernel will look at.
struct ArgumentTest {
  enum class Kind : std::uint8_t {
    any_bit_of,  // low 32 bits & value != 0
    low_equals,  // low 32 bits == value
    low_not_in,  // low 32 bits are none of `values`
    kind_not,    // low 4 bits (a socket's type; flags are above) are not `value`
  };
  std::uint8_t index = 0;
  Kind kind = Kind::low_equals;
  std::vector<std::uint32_t> values;
};

struct SyscallRule {
  int number = 0;
  int refuse_errno = 0;              // what the caller gets
  std::optional<ArgumentTest> when;  // none: always
  std::optional<ArgumentTest> also = std::nullopt;  // with `when`: both must hold
};

struct SyscallRules {
  // Rules are tried in order; the first that matches refuses. What matches none gets `otherwise`.
  std::vector<SyscallRule> refused;
  // Numbers that pass whatever comes after `refused`; asked only where `otherwise_errno` is set.
  std::vector<int> allowed;
  std::optional<int> otherwise_errno;  // none: allow
  // Calls newer than this get ENOSYS, as on a kernel that lacks them: nobody has judged them yet.
  int newest_known = 0;
};

// compile_syscall_filter returns the program. Aborts above the kernel's 4096 instructions.
std::vector<sock_filter> compile_syscall_filter(const SyscallRules& rules);

// app_syscall_rules: what an app may not do (design §4): reach the vsock device, io_uring (it gets round filters on
// sockets), bpf, kexec, ptrace, modules, mounts, other namespaces, keys, and address families other than Unix, IPv4,
// IPv6 and netlink.
SyscallRules app_syscall_rules();

}  // namespace cages::policy
