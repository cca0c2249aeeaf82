// SPDX-License-Identifier: Apache-2.0
#include "host/drivers/fence.h"

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>

#include "base/file.h"

namespace cages::drivers {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArch = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArch = AUDIT_ARCH_AARCH64;
#else
#error "the filter knows x86_64 and aarch64"
#endif

// The last call whose meaning was looked at when the table below was written (map_shadow_stack, Linux 6.6, has 453).
// Newer ones are answered as by an older kernel, which every program must be ready for.
constexpr std::uint32_t kLastCallReviewed = 453;
constexpr std::uint32_t kX32Bit = 0x40000000;

struct Denied {
  std::uint32_t call;
  std::uint32_t answer;  // errno
};

// Everything else is allowed: the enclave's programs are unknown, and what they may reach is decided by namespaces and
// capabilities. Listed is what those do not decide, or what is a way into the kernel that no cage needs. ENOSYS where
// libraries fall back to something else, EPERM where they should say why.
constexpr auto kDenied = std::to_array<Denied>({
    // Another kernel, code in this one, or its insides.
    {SYS_kexec_load, EPERM},
    {SYS_kexec_file_load, EPERM},
    {SYS_init_module, EPERM},
    {SYS_finit_module, EPERM},
    {SYS_delete_module, EPERM},
    {SYS_bpf, EPERM},
    {SYS_perf_event_open, EPERM},
    {SYS_syslog, EPERM},
    {SYS_lookup_dcookie, EPERM},
#ifdef SYS_iopl
    {SYS_iopl, EPERM},
    {SYS_ioperm, EPERM},
    {SYS_modify_ldt, EPERM},
    {SYS_uselib, EPERM},
    {SYS_sysfs, EPERM},
    {SYS__sysctl, EPERM},
#endif
    // io_uring does socket work that no filter on socket() sees (measured); userfaultfd stops the kernel in the middle.
    {SYS_io_uring_setup, ENOSYS},
    {SYS_io_uring_enter, ENOSYS},
    {SYS_io_uring_register, ENOSYS},
    {SYS_userfaultfd, ENOSYS},
    // Keys are kept per user and per session, not per namespace.
    {SYS_add_key, ENOSYS},
    {SYS_request_key, ENOSYS},
    {SYS_keyctl, ENOSYS},
    // One process's memory and descriptors from another.
    {SYS_ptrace, EPERM},
    {SYS_process_vm_readv, EPERM},
    {SYS_process_vm_writev, EPERM},
    {SYS_pidfd_getfd, EPERM},
    {SYS_kcmp, EPERM},
    // Files by number instead of by path: past every mount.
    {SYS_open_by_handle_at, EPERM},
    // The whole machine's settings. Mounting is left to the runtime: in a user namespace the kernel itself refuses
    // every file
    // system that reads a block device.
    {SYS_reboot, EPERM},
    {SYS_swapon, EPERM},
    {SYS_swapoff, EPERM},
    {SYS_acct, EPERM},
    {SYS_quotactl, EPERM},
    {SYS_quotactl_fd, EPERM},
    {SYS_settimeofday, EPERM},
    {SYS_clock_settime, EPERM},
    {SYS_vhangup, EPERM},
    {SYS_nfsservctl, ENOSYS},
    {SYS_fanotify_init, EPERM},
});

// Address families of a cage: its own files, loopback, and netlink for the runtime. Not AF_VSOCK, which no namespace
// holds back, nor AF_ALG, AF_PACKET and the rarely used rest.
constexpr auto kFamilies = std::to_array<std::uint32_t>({AF_UNIX, AF_INET, AF_INET6, AF_NETLINK});
constexpr auto kNetlinkProtocols = std::to_array<std::uint32_t>({NETLINK_ROUTE, NETLINK_NETFILTER});

// What the runtime needs as root of its own user namespace: to make the app's namespaces and mounts, give files their
// owners, bring loopback up and redirect, and become another user. Outside that namespace none of them counts.
constexpr auto kKept = std::to_array<unsigned>({CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_KILL,
                                                CAP_SETGID, CAP_SETUID, CAP_SETPCAP, CAP_NET_BIND_SERVICE,
                                                CAP_NET_ADMIN, CAP_SYS_CHROOT, CAP_SYS_ADMIN, CAP_SETFCAP});

constexpr rlim_t kDescriptorsMax = 65536;

sock_filter load(std::size_t offset) { return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)); }
sock_filter answer(std::uint32_t action) { return BPF_STMT(BPF_RET | BPF_K, action); }
sock_filter refuse(std::uint32_t number) { return answer(SECCOMP_RET_ERRNO | number); }
// Skips the next instruction unless the loaded word is `value`.
sock_filter only_if(std::uint32_t value) { return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1); }

constexpr std::size_t argument(std::size_t index) {
  return offsetof(seccomp_data, args) + index * sizeof(std::uint64_t);
}

// Arguments that the kernel reads as int: the low half decides, as it does there.
void append_socket_rules(std::vector<sock_filter>& program, std::uint32_t call) {
  std::vector<sock_filter> rules{load(argument(0))};
  for (const auto family : kFamilies) {
    if (family == AF_NETLINK) continue;
    rules.push_back(only_if(family));
    rules.push_back(answer(SECCOMP_RET_ALLOW));
  }
  rules.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 1, 0));
  rules.push_back(refuse(EAFNOSUPPORT));
  rules.push_back(load(argument(2)));
  for (const auto protocol : kNetlinkProtocols) {
    rules.push_back(only_if(protocol));
    rules.push_back(answer(SECCOMP_RET_ALLOW));
  }
  rules.push_back(refuse(EPROTONOSUPPORT));
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, static_cast<std::uint8_t>(rules.size())));
  program.insert(program.end(), rules.begin(), rules.end());
}

bool kept(unsigned capability) {
  for (const auto one : kKept) {
    if (one == capability) return true;
  }
  return false;
}

Error refused(const char* what) { return {Code::DRIVER_ROOT, what, "", errno_error(what, errno).got}; }

Result<void> limit_resources(const FencePlan& plan) {
  const rlimit none{0, 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0) return fail(refused("RLIMIT_CORE"));
  rlimit descriptors{};
  ::getrlimit(RLIMIT_NOFILE, &descriptors);
  if (descriptors.rlim_max > kDescriptorsMax) descriptors.rlim_max = kDescriptorsMax;
  descriptors.rlim_cur = descriptors.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &descriptors) != 0) return fail(refused("RLIMIT_NOFILE"));
  if (plan.limit_by_rlimits) {
    const rlimit memory{plan.memory_bytes, plan.memory_bytes};
    if (::setrlimit(RLIMIT_DATA, &memory) != 0) return fail(refused("RLIMIT_DATA"));
  }
  return {};
}

Result<void> drop_capabilities() {
  for (unsigned capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    if (!kept(capability) && ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0)
      return fail(refused("capability bounds"));
  }
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return fail(refused("ambient capabilities"));
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> sets{};
  for (const auto capability : kKept) {
    sets.at(capability / 32).permitted |= 1U << (capability % 32);
    sets.at(capability / 32).effective |= 1U << (capability % 32);
  }
  if (::syscall(SYS_capset, &header, sets.data()) != 0) return fail(refused("capabilities"));
  return {};
}

}  // namespace

std::vector<sock_filter> outer_filter() {
  std::vector<sock_filter> program{
      load(offsetof(seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArch, 1, 0),
      answer(SECCOMP_RET_KILL_PROCESS),  // 32-bit calls have other numbers
      load(offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, kX32Bit, 0, 1),
      answer(SECCOMP_RET_KILL_PROCESS),
      BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, kLastCallReviewed, 0, 1),
      refuse(ENOSYS),
  };
  for (const auto& denied : kDenied) {
    program.push_back(only_if(denied.call));
    program.push_back(refuse(denied.answer));
  }
  append_socket_rules(program, SYS_socket);
  append_socket_rules(program, SYS_socketpair);
  program.push_back(answer(SECCOMP_RET_ALLOW));
  return program;
}

Result<void> raise_fence(const FencePlan& plan) {
  TRY(limit_resources(plan));
  TRY(drop_capabilities());
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail(refused("no_new_privs"));
  std::vector<sock_filter> program = outer_filter();
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0) return fail(refused("system call filter"));
  return {};
}

}  // namespace cages::drivers
