// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"
#include "machine/probe.h"

namespace cages::machine {
namespace {

namespace fs = std::filesystem;

// A made-up machine, in a folder of its own.
class Machine : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "machine.XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    top_ = name;
  }
  void TearDown() override { fs::remove_all(top_); }
  void put(const std::string& path, std::string_view text) {
    fs::create_directories((top_ / path).parent_path());
    ASSERT_TRUE(write_file(top_ / path, as_bytes(text)));
  }
  [[nodiscard]] Places places() const { return {top_ / "proc", top_ / "etc", top_ / "dev", {top_ / "bin"}}; }
  void program(const std::string& name) {
    put("bin/" + name, "#!/bin/sh\n");
    fs::permissions(top_ / "bin" / name, fs::perms::owner_all | fs::perms::others_exec | fs::perms::group_exec);
  }
  fs::path top_;
};

TEST(Subid, FindsARangeByNameOrNumber) {
  EXPECT_EQ(parse_subid("root:1:2\nann:100000:65536\n", "ann", 1000, 65535), (IdRange{100000, 65536}));
  EXPECT_EQ(parse_subid("1000:200000:65536", "ann", 1000, 65535), (IdRange{200000, 65536}));
}

TEST(Subid, PassesOverWhatMakesNoSense) {
  for (const auto* line :
       {"", "ann", "ann:1", "ann:x:65536", "ann:100000:y", "ann:100000:65536:1", "ann:-5:65536", "ann:100000:100",
        "bob:100000:65536", "ann:4294967295:65536", "ann:0:65536", "ann:500:65536"}) {
    EXPECT_EQ(parse_subid(line, "ann", 1000, 65535), std::nullopt) << line;
  }
  EXPECT_EQ(parse_subid("ann:1:10\nann:300000:65536", "ann", 1000, 65535), (IdRange{300000, 65536}));
}

TEST(UidMap, CoversOnlyWhatItLists) {
  EXPECT_TRUE(maps_all("         0          0 4294967295\n", kRootIdsFirst, kRootIdSlots * kImageIds));
  EXPECT_FALSE(maps_all("         0     100000      65536\n", kRootIdsFirst, kRootIdSlots * kImageIds));
  EXPECT_FALSE(maps_all("", 0, 1));
}

TEST(Chroot, IsARootThatNothingIsMountedOn) {
  EXPECT_FALSE(is_chroot("22 27 0:20 / /proc rw - proc proc rw\n27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"));
  EXPECT_TRUE(is_chroot("22 27 0:20 / /proc rw - proc proc rw\n23 27 0:21 / /sys rw - sysfs sysfs rw\n"));
  EXPECT_TRUE(is_chroot(""));
}

TEST_F(Machine, NamesWhatKeepsAUserFromRootlessMode) {
  put("proc/self/uid_map", "0 1000 1\n");
  const Identity bare = identify(places());
  EXPECT_EQ(bare.mode, Mode::single_id);
  ASSERT_GE(bare.lacking.size(), 2U);
  EXPECT_NE(bare.lacking[bare.lacking.size() - 2].find("uidmap"), std::string::npos);
  EXPECT_NE(bare.lacking.back().find("usermod"), std::string::npos);
}

TEST_F(Machine, IsRootlessWithHelpersAndRanges) {
  if (::geteuid() == 0) GTEST_SKIP() << "as a user only: root has a reason of its own";
  program("newuidmap");
  program("newgidmap");
  const std::string line = std::to_string(::geteuid()) + ":300000:65536\n";
  put("etc/subuid", line);
  put("etc/subgid", line);
  const Identity identity = identify(places());
  EXPECT_EQ(identity.mode, Mode::rootless);
  EXPECT_EQ(identity.uids, (IdRange{300000, 65536}));
}

TEST(Mountinfo, ReadsControlGroupsAndUnescapes) {
  const auto mounts = parse_mounts(
      "30 25 0:26 / /sys/fs/cgroup ro - tmpfs tmpfs ro\n"
      "31 30 0:27 / /sys/fs/cgroup/a\\040b rw,nosuid shared:5 - cgroup cgroup rw,memory\n"
      "32 30 0:28 /x /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate\n"
      "broken line\n33 30 0:1 / /x rw - cgroup\n");
  ASSERT_EQ(mounts.size(), 2U);
  EXPECT_EQ(mounts[0].at, "/sys/fs/cgroup/a b");
  EXPECT_EQ(mounts[0].options, (std::vector<std::string>{"rw", "memory"}));
  EXPECT_EQ(mounts[1].type, "cgroup2");
  EXPECT_EQ(mounts[1].root, "/x");
}

TEST_F(Machine, PrefersV2WithMemoryAndPids) {
  put("cg/cgroup.controllers", "cpuset cpu io memory pids\n");
  put("proc/self/mountinfo", "32 30 0:28 / " + (top_ / "cg").string() + " rw - cgroup2 cgroup2 rw\n");
  put("proc/self/cgroup", "0::/user.slice/x.scope\n");
  const Cgroups found = find_cgroups(true, places());
  EXPECT_EQ(found.version, CgroupVersion::v2);
  EXPECT_TRUE(found.limits("memory"));
  EXPECT_TRUE(found.limits("cpu"));
  EXPECT_EQ(found.places.at(0).parent, top_ / "cg");
}

TEST_F(Machine, AUsersV2GroupIsMadeBesideItsOwn) {
  put("cg/app.slice/cgroup.subtree_control", "memory pids\n");
  put("cg/app.slice/cgroup.procs", "");
  put("cg/app.slice/term.scope/cgroup.procs", "");
  put("proc/self/mountinfo", "32 30 0:28 / " + (top_ / "cg").string() + " rw - cgroup2 cgroup2 rw\n");
  put("proc/self/cgroup", "0::/app.slice/term.scope\n");
  const Cgroups found = find_cgroups(false, places());
  EXPECT_EQ(found.version, CgroupVersion::v2);
  EXPECT_EQ(found.places.at(0).parent, top_ / "cg/app.slice");
  EXPECT_FALSE(found.limits("cpu"));
}

TEST_F(Machine, FallsBackToV1BelowItsOwnGroup) {
  put("cg/unified/cgroup.controllers", "hugetlb\n");
  fs::create_directories(top_ / "cg/memory/job/7");
  fs::create_directories(top_ / "cg/again/job/7");
  fs::create_directories(top_ / "cg/pids");
  const auto at = [&](const char* name) { return (top_ / "cg" / name).string(); };
  put("proc/self/mountinfo", "1 0 0:1 / " + at("unified") + " rw - cgroup2 cgroup2 rw\n2 0 0:2 / " + at("memory") +
                                 " rw - cgroup cgroup rw,memory\n3 0 0:3 / " + at("pids") +
                                 " rw - cgroup cgroup rw,pids\n" + "4 0 0:2 / " + at("again") +
                                 " rw - cgroup cgroup rw,memory\n");
  put("proc/self/cgroup", "8:pids:/\n4:memory:/job/7\n0::/\n");
  const Cgroups found = find_cgroups(true, places());
  EXPECT_EQ(found.version, CgroupVersion::v1);
  EXPECT_EQ(found.places.at(0).parent, top_ / "cg/memory/job/7");
  EXPECT_EQ(found.places.size(), 2U) << "a second mount of the same hierarchy";
}

TEST_F(Machine, SaysWhyThereAreNoControlGroups) {
  put("proc/self/mountinfo", "");
  put("proc/self/cgroup", "");
  const Cgroups found = find_cgroups(true, places());
  EXPECT_EQ(found.version, CgroupVersion::none);
  EXPECT_FALSE(found.why_not.empty());
}

TEST_F(Machine, ReportsProgramsThatAreNotThere) {
  put("proc/self/mountinfo", "");
  put("proc/self/cgroup", "");
  const Report report = probe(top_, places());
  EXPECT_FALSE(report.usable());
  const std::string text = to_text(report);
  EXPECT_NE(text.find("lacking cage-nsm"), std::string::npos) << text;
  const Json json = to_json(report);
  EXPECT_EQ(*json.find("usable")->as_bool(), false);
  EXPECT_EQ(json.text_or("cgroups", ""), "none");
}

}  // namespace
}  // namespace cages::machine
