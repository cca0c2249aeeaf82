// SPDX-License-Identifier: Apache-2.0
// The fence closes for good, so that each case runs in a child of its own, which says by its exit code what was let
// through.
#include "runtime/boot/fence.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace cages::runtime {
namespace {

constexpr int kNotFenced = 99;
const FencePlan kPlan{AF_UNIX, {8080}};

// What `act` returned behind the fence.
template <class Act>
int behind_fence(const FencePlan& plan, Act act) {
  const pid_t child = fork();
  if (child == 0) {
    const bool fenced = begin_fence().has_value() && close_fence(plan).has_value();
    _exit(fenced ? act() : kNotFenced);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

int error_of(long result) { return result == -1 ? errno : 0; }

TEST(Fence, NoProgramIsExecuted) {
  EXPECT_EQ(behind_fence(kPlan,
                         [] {
                           std::array<char*, 1> none{nullptr};
                           return error_of(execve("/bin/true", none.data(), none.data()));
                         }),
            EPERM);
}

TEST(Fence, NoProcessIsTracedMountedOrMadeANamespaceFor) {
  for (const long number : {SYS_ptrace, SYS_mount, SYS_unshare, SYS_setns, SYS_pivot_root, SYS_init_module, SYS_bpf,
                            SYS_kexec_load, SYS_process_vm_readv, SYS_io_uring_setup}) {
    EXPECT_EQ(behind_fence(kPlan, [number] { return error_of(syscall(number, 0, 0, 0, 0, 0, 0)); }), EPERM) << number;
  }
}

TEST(Fence, NoMemoryBecomesExecutable) {
  EXPECT_EQ(behind_fence(kPlan,
                         [] {
                           void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                           if (page == MAP_FAILED) return 1;
                           return error_of(mprotect(page, 4096, PROT_READ | PROT_EXEC));
                         }),
            EPERM);
}

TEST(Fence, OnlyTheFamiliesThatThePlanNeedsHaveSockets) {
  const auto open = [](int family, int type) {
    return [family, type] { return error_of(socket(family, type | SOCK_CLOEXEC, 0)); };
  };
  EXPECT_EQ(behind_fence(kPlan, open(AF_UNIX, SOCK_STREAM)), 0);
  EXPECT_EQ(behind_fence(kPlan, open(AF_INET, SOCK_STREAM)), 0);
  for (const int family : {AF_PACKET, AF_ALG, AF_NETLINK, AF_VSOCK}) {
    EXPECT_NE(behind_fence(kPlan, open(family, SOCK_DGRAM)), 0) << family;
  }
  EXPECT_NE(behind_fence(kPlan, open(AF_INET, SOCK_DGRAM)), 0);
  EXPECT_NE(behind_fence(kPlan, open(AF_INET, SOCK_RAW)), 0);
}

TEST(Fence, StaysUndumpableAndWithoutCoresOrCapabilities) {
  EXPECT_EQ(behind_fence(kPlan, [] { return error_of(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)); }), EPERM);
  EXPECT_EQ(behind_fence(kPlan,
                         [] {
                           rlimit cores{1, 1};
                           getrlimit(RLIMIT_CORE, &cores);
                           return cores.rlim_max == 0 ? 0 : 1;
                         }),
            0);
  EXPECT_EQ(behind_fence(kPlan,
                         [] {
                           // capget(2) is not among what is left; the kernel says it here too.
                           std::array<char, 4096> text{};
                           const int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
                           if (file < 0 || read(file, text.data(), text.size() - 1) <= 0) return 2;
                           return std::string_view(text.data()).find("CapEff:\t0000000000000000") ==
                                          std::string_view::npos
                                      ? 1
                                      : 0;
                         }),
            0);
}

TEST(Fence, OfFilesOnlyThoseBelowProcCanBeOpened) {
  if (syscall(SYS_landlock_create_ruleset, nullptr, 0, 1 /* LANDLOCK_CREATE_RULESET_VERSION */) < 1) {
    EXPECT_EQ(behind_fence(kPlan, [] { return 0; }), 0);
    GTEST_SKIP() << "this kernel has no Landlock";
  }
  const auto opened = [](const char* path) { return [path] { return error_of(open(path, O_RDONLY | O_CLOEXEC)); }; };
  EXPECT_EQ(behind_fence(kPlan, opened("/etc/passwd")), EACCES);
  EXPECT_EQ(behind_fence(kPlan, opened("/proc/self/stat")), 0);
}

}  // namespace
}  // namespace cages::runtime
