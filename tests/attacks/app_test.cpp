// SPDX-License-Identifier: Apache-2.0
// What an app that is root in its image can reach: run through the real supervision, under this machine's kernel.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "runtime/app/protocol.h"
#include "runtime/app/spawner.h"

namespace cages::runtime {
namespace {

namespace fs = std::filesystem;

using Kind = AppMessage::Kind;

class HostileApp : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root: the spawner makes mounts and namespaces";
    std::string pattern = fs::temp_directory_path() / "cage-app-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    top_ = pattern;
    chmod(top_.c_str(), 0755);
    fs::create_directories(top_ / "rootfs");
    fs::copy_file(CAGES_APP_PROBE, top_ / "rootfs/probe");
    std::ofstream(top_ / "cmdline") << "measured words\n";
    std::ofstream(top_ / "rootfs/owned-by-1000") << "x";
    chown((top_ / "rootfs/owned-by-1000").c_str(), 1000, 1000);
    auto spawner = Spawner::fork();
    ASSERT_TRUE(spawner.has_value());
    spawner_.emplace(std::move(*spawner));
  }
  void TearDown() override {
    spawner_.reset();
    if (!top_.empty()) fs::remove_all(top_);
  }

  AppSpec spec(std::vector<std::string> command) const {
    AppSpec spec;
    spec.root = top_ / "rootfs";
    spec.cmdline = top_ / "cmdline";
    spec.hostname = "probe";
    spec.command = std::move(command);
    spec.environment.push_back({"PATH", Secret::copy_of(as_bytes("/bin:/"))});
    spec.environment.push_back({"FROM_SECRET", Secret::copy_of(as_bytes("in the environment"))});
    spec.files.push_back({"TOKEN", Secret::copy_of(as_bytes("in a file"))});
    return spec;
  }

  static AppMessage next(const AppEnds& ends) {
    std::array<Byte, kAppMessageBytes> bytes{};
    if (recv(ends.events.get(), bytes.data(), bytes.size(), MSG_WAITALL) != static_cast<ssize_t>(bytes.size())) {
      return {Kind::signal, AppStep::none, -1};  // the end
    }
    auto message = parse_app_message(bytes);
    EXPECT_TRUE(message.has_value());
    return *message;
  }

  static std::string all(const Fd& fd) {
    std::string text;
    std::array<char, 4096> part{};
    for (ssize_t got = 0; (got = read(fd.get(), part.data(), part.size())) > 0;)
      text.append(part.data(), static_cast<std::size_t>(got));
    return text;
  }

  static std::map<std::string, std::string> lines(const std::string& text) {
    std::map<std::string, std::string> result;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
      result[line.substr(0, line.find('='))] = line.substr(line.find('=') + 1);
    return result;
  }

  fs::path top_;
  std::optional<Spawner> spawner_;
};

// What is to become of each attempt.
const std::map<std::string, std::string>& outcomes() {
  static const std::map<std::string, std::string> kOutcomes{{"open /dev/nsm", "ENOENT"},
                                                            {"open /dev/vsock", "ENOENT"},
                                                            {"open /dev/mem", "ENOENT"},
                                                            {"mknod", "EPERM"},
                                                            {"write /dev/null", "ok"},
                                                            {"read /dev/urandom", "ok"},
                                                            {"open /dev/ptmx", "ok"},
                                                            {"socket vsock", "EAFNOSUPPORT"},
                                                            {"socket vsock high bit", "EAFNOSUPPORT"},
                                                            {"socket packet", "EAFNOSUPPORT"},
                                                            {"socket alg", "EAFNOSUPPORT"},
                                                            {"socket raw", "EPERM"},
                                                            {"socket tcp", "ok"},
                                                            {"io_uring_setup", "ENOSYS"},
                                                            {"bpf", "EPERM"},
                                                            {"kexec_load", "EPERM"},
                                                            {"init_module", "EPERM"},
                                                            {"finit_module", "EPERM"},
                                                            {"mount", "EPERM"},
                                                            {"umount", "EPERM"},
                                                            {"fsopen", "EPERM"},
                                                            {"pivot_root", "EPERM"},
                                                            {"unshare user", "EPERM"},
                                                            {"unshare mount", "EPERM"},
                                                            {"clone user", "EPERM"},
                                                            {"clone3", "ENOSYS"},
                                                            {"setns", "EPERM"},
                                                            {"keyctl", "EPERM"},
                                                            {"perf_event_open", "EPERM"},
                                                            {"userfaultfd", "EPERM"},
                                                            {"reboot", "EPERM"},
                                                            {"sethostname", "EPERM"},
                                                            {"int80", "signal 31"},
                                                            {"x32", "signal 31"},
                                                            {"ptrace init", "EPERM"},
                                                            {"read init memory", "EACCES"},
                                                            {"read init environ", "EBADF"},
                                                            {"enter init root", "EACCES"},
                                                            {"read init descriptors", "EACCES"},
                                                            {"process_vm_readv", "EPERM"},
                                                            {"kill init", "EPERM"},
                                                            {"processes", "1 2"},
                                                            {"descriptors", "0 1 2"},
                                                            {"write sysctl", "EACCES"},
                                                            {"cmdline", "measured words"},
                                                            {"chroot escape", "exit 0"},
                                                            {"secret", "in a file 256 0"},
                                                            {"add secret", "EROFS"},
                                                            {"secret variable", "in the environment"},
                                                            {"own file", "ok"},
                                                            {"become other", "ok"},
                                                            {"NoNewPrivs", "1"},
                                                            {"Seccomp", "2"},
                                                            {"Uid", "0\t0\t0\t0"},
                                                            {"CapInh", "0000000000000000"},
                                                            {"CapAmb", "0000000000000000"},
                                                            {"CapBnd", "00000000800405fb"},
                                                            {"CapEff", "00000000800405fb"},
                                                            {"CapPrm", "00000000800405fb"}};
  return kOutcomes;
}

TEST_F(HostileApp, ReachesNothingBeyondItsImage) {
  auto ends = spawner_->start(spec({"/probe"}));
  ASSERT_TRUE(ends.has_value());
  ASSERT_EQ(next(*ends), (AppMessage{Kind::started, AppStep::none, 0}));
  auto got = lines(all(ends->out));
  EXPECT_EQ(all(ends->err), "to standard error\n");
  const AppMessage ended = next(*ends);
  EXPECT_EQ(ended.kind, Kind::exited);
  EXPECT_EQ(WEXITSTATUS(ended.value), 3);

  for (const auto& [name, result] : outcomes()) EXPECT_EQ(got[name], result) << name;
  EXPECT_EQ(got["root"].find("cage"), std::string::npos) << got["root"];
}

TEST_F(HostileApp, ItsRootIsNobodyOutside) {
  auto ends = spawner_->start(spec({"/probe"}));
  ASSERT_TRUE(ends.has_value());
  all(ends->out);
  struct stat info{};
  ASSERT_EQ(stat((top_ / "rootfs/made-by-app").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 65535U);
  EXPECT_EQ(info.st_gid, 65535U);
  ASSERT_EQ(stat((top_ / "rootfs/probe").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 65535U);
  ASSERT_EQ(stat((top_ / "rootfs/owned-by-1000").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 1000U);
  // Nothing of what was mounted for it is in sight here.
  EXPECT_TRUE(fs::is_empty(top_ / "rootfs/proc"));
  EXPECT_TRUE(fs::is_empty(top_ / "rootfs/run/secrets"));
}

TEST_F(HostileApp, AnotherUserHasNoCapabilityAndItsOwnGroups) {
  AppSpec wanted = spec({"probe"});
  wanted.user = {1000, 1001, {1001, 1002}};
  auto ends = spawner_->start(wanted);
  ASSERT_TRUE(ends.has_value());
  auto got = lines(all(ends->out));
  EXPECT_EQ(got["Uid"], "1000\t1000\t1000\t1000");
  EXPECT_EQ(got["Gid"], "1001\t1001\t1001\t1001");
  EXPECT_EQ(got["Groups"], "1001 1002 ");
  EXPECT_EQ(got["CapEff"], "0000000000000000");
  EXPECT_EQ(got["CapPrm"], "0000000000000000");
  EXPECT_EQ(got["secret"], "in a file 256 1000");
  EXPECT_EQ(got["become other"], "ok");  // itself
  EXPECT_EQ(got["kill init"], "EPERM");
}

// The image's resolver is another machine's, its nsswitch asks elsewhere first, and its hosts is a container engine's leftover.
TEST_F(HostileApp, TheFilesThatFindNamesAreOursAndTheImageStaysAsItWas) {
  fs::create_directories(top_ / "rootfs/etc");
  fs::create_symlink("/run/systemd/resolve/stub-resolv.conf", top_ / "rootfs/etc/resolv.conf");
  std::ofstream(top_ / "rootfs/etc/nsswitch.conf") << "passwd: files\nhosts: mdns4_minimal [NOTFOUND=return] dns\n";
  std::ofstream(top_ / "rootfs/etc/hosts").flush();
  AppSpec wanted = spec({"/probe"});
  wanted.resolver = true;
  auto ends = spawner_->start(wanted);
  ASSERT_TRUE(ends.has_value());
  auto got = lines(all(ends->out));
  EXPECT_EQ(got["/etc/resolv.conf"], "nameserver 127.0.0.1|options edns0 timeout:3 attempts:2|");
  EXPECT_EQ(got["/etc/nsswitch.conf"], "passwd: files|hosts: files dns|");
  EXPECT_TRUE(got["/etc/hosts"].starts_with("127.0.0.1\tlocalhost|::1\tlocalhost")) << got["/etc/hosts"];
  EXPECT_EQ(got["write /etc/resolv.conf"], "EROFS");
  std::ifstream image(top_ / "rootfs/etc/nsswitch.conf");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(image), {}), "passwd: files\nhosts: mdns4_minimal [NOTFOUND=return] dns\n");
  EXPECT_EQ(fs::file_size(top_ / "rootfs/etc/hosts"), 0U);
}

TEST_F(HostileApp, WithoutAResolverTheImagesFilesStay) {
  fs::create_directories(top_ / "rootfs/etc");
  std::ofstream(top_ / "rootfs/etc/resolv.conf") << "nameserver 192.0.2.53\n";
  std::ofstream(top_ / "rootfs/etc/hosts") << "192.0.2.1 mine\n";
  auto ends = spawner_->start(spec({"/probe"}));
  ASSERT_TRUE(ends.has_value());
  auto got = lines(all(ends->out));
  EXPECT_EQ(got["/etc/resolv.conf"], "nameserver 192.0.2.53|");
  EXPECT_EQ(got["/etc/hosts"], "192.0.2.1 mine|");
}

TEST_F(HostileApp, SignalsReachItAndItsEndIsReported) {
  auto ends = spawner_->start(spec({"/probe", "sleep"}));
  ASSERT_TRUE(ends.has_value());
  ASSERT_EQ(next(*ends).kind, Kind::started);
  std::array<char, 64> line{};
  ASSERT_GT(read(ends->out.get(), line.data(), line.size()), 0);
  EXPECT_STREQ(line.data(), "sleeping=2\n");
  const auto bytes = write_app_message({Kind::signal, AppStep::none, SIGUSR1});
  ASSERT_EQ(send(ends->events.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  const AppMessage ended = next(*ends);
  EXPECT_EQ(ended.kind, Kind::exited);
  EXPECT_EQ(WTERMSIG(ended.value), SIGUSR1);
}

TEST_F(HostileApp, OrphansAreReaped) {
  auto ends = spawner_->start(spec({"/probe", "orphan"}));
  ASSERT_TRUE(ends.has_value());
  EXPECT_EQ(lines(all(ends->out))["zombies"], "1 2");
}

TEST_F(HostileApp, EndingTheSpawnerEndsTheApp) {
  auto ends = spawner_->start(spec({"/probe", "sleep"}));
  ASSERT_TRUE(ends.has_value());
  ASSERT_EQ(next(*ends).kind, Kind::started);
  spawner_.reset();
  EXPECT_EQ(next(*ends).kind, Kind::signal);  // the end of the socket: its init is gone
  all(ends->out);                             // and so is every holder of the pipe
}

TEST_F(HostileApp, WhatCannotStartSaysAtWhichStep) {
  const auto step = [&](const AppSpec& wanted) {
    auto ends = spawner_->start(wanted);
    const AppMessage message = next(*ends);
    EXPECT_EQ(message.kind, Kind::failed);
    return std::string(name_of(message.step)) + ": " + strerrorname_np(message.value);
  };
  EXPECT_EQ(step(spec({"/absent"})), "executing the command: ENOENT");
  EXPECT_EQ(step(spec({"absent"})), "executing the command: ENOENT");
  EXPECT_EQ(step(spec({"/owned-by-1000"})), "executing the command: EACCES");
  AppSpec lost = spec({"/probe"});
  lost.workdir = "/nowhere";
  EXPECT_EQ(step(lost), "entering the working directory: ENOENT");
  // An image whose /dev leads out of it.
  fs::remove_all(top_ / "rootfs/dev");
  fs::create_directories(top_ / "outside");
  fs::create_directory_symlink(top_ / "outside", top_ / "rootfs/dev");
  EXPECT_EQ(step(spec({"/probe"})), "making /dev: ENOENT");
  EXPECT_TRUE(fs::is_empty(top_ / "outside"));
}

}  // namespace
}  // namespace cages::runtime
