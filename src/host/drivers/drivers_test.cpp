// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include "base/limits.h"
#include "base/text.h"
#include "host/drivers/console.h"
#include "host/drivers/fence.h"
#include "host/drivers/instance.h"
#include "host/drivers/nsm_process.h"
#include "host/drivers/process.h"
#include "host/drivers/report.h"
#include "wire/frame.h"

namespace cages::drivers {
namespace {

namespace fs = std::filesystem;

ByteView payload_of(const Bytes& frame) { return ByteView(frame).subspan(wire::kFrameLengthBytes); }

class Folder : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "drivers.XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    top_ = name;
  }
  void TearDown() override { fs::remove_all(top_); }
  fs::path top_;
};

TEST(Report, ComesBackAsItWent) {
  Checked checked;
  checked.pcr0.fill(1);
  checked.pcr8.fill(8);
  checked.nanoseconds = 5;
  for (const Report& report : {Report(checked), Report(Unpacked{1, 2, 3, 4}), Report(Begun{}),
                               Report(Failed{"CPIO", "a", "b", "c"}), Report(Ended{3, 0}), Report(Ended{0, 9})}) {
    const Bytes frame = write_report(report);
    const auto back = parse_report(payload_of(frame));
    ASSERT_TRUE(back) << describe(back.error());
    EXPECT_EQ(*back, report);
  }
  const Plan plan{"enclave-1", 1 << 20, 100, false, true, {9000, 7001}};
  const Bytes frame = write_plan(plan);
  const auto back = parse_plan(payload_of(frame));
  ASSERT_TRUE(back) << describe(back.error());
  EXPECT_EQ(*back, plan);
}

TEST(Report, RefusesWhatNoWardenWrites) {
  const Bytes whole = write_report(Checked{});
  for (std::size_t size = 0; size + wire::kFrameLengthBytes < whole.size(); ++size) {
    EXPECT_FALSE(parse_report(payload_of(whole).first(size))) << size;
  }
  EXPECT_FALSE(parse_report(payload_of(wire::FrameWriter(9, 1, 0).take())));
  EXPECT_FALSE(parse_report(payload_of(wire::FrameWriter(3, 2, 0).take())));
  EXPECT_FALSE(parse_report(payload_of(wire::FrameWriter(1, 1, 1).bytes(1, Bytes(47)).take())));
  Plan many{"x", 1, 1, true, false, std::vector<std::uint32_t>(limits::kEnclavePortsMax + 1, 1)};
  EXPECT_FALSE(parse_plan(payload_of(write_plan(many))));
}

TEST(Report, CutsAndEscapesWhatAnErrorSays) {
  const Bytes frame = write_report(Failed{"CPIO", std::string(5000, 'x') + "\033", "", ""});
  const auto back = parse_report(payload_of(frame));
  ASSERT_TRUE(back);
  const Error error = to_error(std::get<Failed>(*back));
  EXPECT_EQ(error.code, Code::CPIO);
  EXPECT_LE(error.subject.size(), 512U);
  EXPECT_EQ(to_error(Failed{"NO_SUCH_CODE", "", "", ""}).code, Code::INTERNAL);
}

// The filter as the kernel runs it, for the instructions that it uses.
std::uint32_t run_filter(const std::vector<sock_filter>& program, const seccomp_data& data) {
  std::uint32_t word = 0;
  for (std::size_t at = 0; at < program.size(); ++at) {
    const sock_filter& step = program[at];
    switch (step.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        std::copy_n(reinterpret_cast<const char*>(&data) + step.k, sizeof word, reinterpret_cast<char*>(&word));
        break;
      case BPF_RET | BPF_K: return step.k;
      case BPF_JMP | BPF_JEQ | BPF_K: at += word == step.k ? step.jt : step.jf; break;
      case BPF_JMP | BPF_JGT | BPF_K: at += word > step.k ? step.jt : step.jf; break;
      case BPF_JMP | BPF_JSET | BPF_K: at += (word & step.k) != 0 ? step.jt : step.jf; break;
      default: ADD_FAILURE() << "instruction " << step.code;
    }
  }
  ADD_FAILURE() << "ran over the end";
  return 0;
}

seccomp_data call(int number, std::uint64_t first = 0, std::uint64_t third = 0) {
  seccomp_data data{};
#if defined(__x86_64__)
  data.arch = AUDIT_ARCH_X86_64;
#else
  data.arch = AUDIT_ARCH_AARCH64;
#endif
  data.nr = number;
  data.args[0] = first;
  data.args[2] = third;
  return data;
}

TEST(OuterFilter, KillsOtherArchitectures) {
  const auto program = outer_filter();
  seccomp_data data = call(SYS_read);
  data.arch = AUDIT_ARCH_I386;
  EXPECT_EQ(run_filter(program, data), SECCOMP_RET_KILL_PROCESS);
  EXPECT_EQ(run_filter(program, call(SYS_read | 0x40000000)), SECCOMP_RET_KILL_PROCESS);
}

TEST(OuterFilter, RefusesTheKernelsOtherDoors) {
  const auto program = outer_filter();
  for (const int number :
       {SYS_kexec_load, SYS_init_module, SYS_finit_module, SYS_bpf, SYS_perf_event_open, SYS_ptrace,
        SYS_process_vm_readv, SYS_open_by_handle_at, SYS_reboot, SYS_swapon, SYS_clock_settime, SYS_pidfd_getfd}) {
    EXPECT_EQ(run_filter(program, call(number)), SECCOMP_RET_ERRNO | EPERM) << number;
  }
  for (const int number : {SYS_io_uring_setup, SYS_io_uring_enter, SYS_keyctl, SYS_add_key, SYS_userfaultfd}) {
    EXPECT_EQ(run_filter(program, call(number)), SECCOMP_RET_ERRNO | ENOSYS) << number;
  }
  EXPECT_EQ(run_filter(program, call(9999)), SECCOMP_RET_ERRNO | ENOSYS) << "a call newer than the list";
}

TEST(OuterFilter, AllowsOnlyAFewKindsOfSockets) {
  const auto program = outer_filter();
  for (const int family : {AF_UNIX, AF_INET, AF_INET6})
    EXPECT_EQ(run_filter(program, call(SYS_socket, family)), SECCOMP_RET_ALLOW) << family;
  EXPECT_EQ(run_filter(program, call(SYS_socket, AF_NETLINK, 0)), SECCOMP_RET_ALLOW);
  EXPECT_EQ(run_filter(program, call(SYS_socket, AF_NETLINK, 12)), SECCOMP_RET_ALLOW);
  EXPECT_NE(run_filter(program, call(SYS_socket, AF_NETLINK, 9)), SECCOMP_RET_ALLOW) << "audit";
  for (const int family : {40 /* vsock */, 38 /* alg */, 17 /* packet */, 15, 21, 29, 44}) {
    EXPECT_EQ(run_filter(program, call(SYS_socket, family)), SECCOMP_RET_ERRNO | EAFNOSUPPORT) << family;
    EXPECT_EQ(run_filter(program, call(SYS_socketpair, family)), SECCOMP_RET_ERRNO | EAFNOSUPPORT) << family;
  }
  // The kernel reads 32 bits; what stands above them must not get a family past the filter.
  EXPECT_NE(run_filter(program, call(SYS_socket, 0x100000000ULL + 40)), SECCOMP_RET_ALLOW);
}

TEST(OuterFilter, LeavesTheRuntimeWhatItNeeds) {
  const auto program = outer_filter();
  for (const int number :
       {SYS_unshare, SYS_clone, SYS_clone3, SYS_mount, SYS_umount2, SYS_pivot_root, SYS_execve, SYS_seccomp, SYS_prctl,
        SYS_setns, SYS_setresuid, SYS_capset, SYS_kill, SYS_landlock_create_ruleset, SYS_openat2, SYS_epoll_wait}) {
    EXPECT_EQ(run_filter(program, call(number)), SECCOMP_RET_ALLOW) << number;
  }
}

TEST(Console, BoundsWhatItKeepsAndSays) {
  Console console;
  const std::string flood(200'000, '\n');
  EXPECT_EQ(console.add(flood, std::chrono::seconds(5)).size(), limits::kConsoleLinesPerSecond);
  const auto later = console.add("a\n", std::chrono::seconds(7));
  ASSERT_EQ(later.size(), 2U);
  EXPECT_EQ(later[0], std::to_string(200'000 - limits::kConsoleLinesPerSecond) + " lines dropped");
  const auto longer = console.add(std::string(100'000, 'x') + "\n", std::chrono::seconds(8));
  ASSERT_EQ(longer.size(), 1U);
  EXPECT_LE(longer[0].size(), limits::kConsoleLineBytesMax + 3);
  EXPECT_LE(console.tail(1 << 20).size(), 4 * limits::kConsoleBytesKept);
  console.add("\033[2J", std::chrono::seconds(9));
  EXPECT_EQ(console.tail(4).find('\033'), std::string::npos);
}

TEST_F(Folder, CleansUpWhatTheDeadLeftAndNothingElse) {
  auto mine = RunFolder::open(top_ / "run");
  auto other = RunFolder::open(top_ / "run");
  ASSERT_TRUE(mine && other);
  fs::create_directories(top_ / "group-of-dead");
  auto living = mine->claim("living", {});
  ASSERT_TRUE(living);
  {
    auto dead = mine->claim("dead", {{top_ / "group-of-dead"}});
  }
  fs::create_directories(top_ / "run/e/never-finished");
  ASSERT_TRUE(fs::exists(top_ / "run/e/dead/owner"));
  const auto count = other->clean_up();
  ASSERT_TRUE(count);
  EXPECT_EQ(*count, 2U);
  EXPECT_FALSE(fs::exists(top_ / "run/e/dead"));
  EXPECT_FALSE(fs::exists(top_ / "run/e/never-finished"));
  EXPECT_FALSE(fs::exists(top_ / "group-of-dead"));
  EXPECT_TRUE(fs::exists(top_ / "run/e/living/owner"));
  living->remove();
  EXPECT_FALSE(fs::exists(top_ / "run/e/living"));
}

TEST_F(Folder, RefusesAnIdThatIsTakenOrLeavesTheFolder) {
  auto run = RunFolder::open(top_ / "run");
  ASSERT_TRUE(run);
  const auto first = run->claim("a", {});
  const auto second = run->claim("a", {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::EXISTS);
  for (const auto* id : {"", "..", "a/b", ".hidden", "UPPER"}) EXPECT_FALSE(run->claim(id, {})) << id;
}

TEST_F(Folder, RefusesARunFolderOfOthers) {
  fs::create_directories(top_ / "open");
  fs::permissions(top_ / "open", fs::perms::all);
  EXPECT_FALSE(RunFolder::open(top_ / "open"));
  fs::create_directory_symlink(top_ / "open", top_ / "link");
  EXPECT_FALSE(RunFolder::open(top_ / "link"));
}

TEST(NsmArguments, NameEveryPcr) {
  eif::Measurements pcrs;
  pcrs.pcr0.fill(0xaa);
  const NsmPlan plan{"/bin/cage-nsm",       "/state", "i-00000000000000001-enc0123456789abcdef",
                     "i-00000000000000001", "",       7};
  const auto words = nsm_arguments(plan, pcrs, 3);
  EXPECT_NE(std::ranges::find(words, "0=" + std::string(96, 'a')), words.end());
  EXPECT_NE(std::ranges::find(words, "3=" + std::string(96, '0')), words.end());
  EXPECT_NE(std::ranges::find(words, "8=" + std::string(96, '0')), words.end());
  EXPECT_EQ(words.back(), "7");
  // SHA-384 of 48 zero bytes and "i-00000000000000001", by another program.
  EXPECT_NE(platform_pcr("i-00000000000000001"), platform_pcr("i-00000000000000002"));
  EXPECT_EQ(platform_pcr(""), crypto::Digest384{});
}

TEST_F(Folder, AFleetsHostRefusesItsOwnKernelUnlessToldTo) {
  net::EventLoop loop;
  ProcessOptions options{top_ / "run", "/bin/true", top_ / "nsm", "", true, false};
  const auto refused = ProcessDriver::open(loop, options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::DRIVER_SHARED_KERNEL);
  options.shared_kernel = true;
  EXPECT_TRUE(ProcessDriver::open(loop, options));
}

}  // namespace
}  // namespace cages::drivers
