// SPDX-License-Identifier: Apache-2.0
#include "base/paths.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace cages {
namespace {

class UserFolders : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"CAGE_STATE_DIR", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"}) ::unsetenv(name);
    ::setenv("HOME", "/home/u", 1);
  }
};

TEST_F(UserFolders, FollowTheXdgSpecification) {
  EXPECT_EQ(user_folder(UserFolder::cache).value(), "/home/u/.cache/cages");
  EXPECT_EQ(user_folder(UserFolder::state).value(), "/home/u/.local/state/cages");
  ::setenv("XDG_CONFIG_HOME", "/c", 1);
  EXPECT_EQ(user_folder(UserFolder::config).value(), "/c/cages");
  ::setenv("XDG_CONFIG_HOME", "relative", 1);
  EXPECT_EQ(user_folder(UserFolder::config).value(), "/home/u/.config/cages");
}

TEST_F(UserFolders, AreAllOverriddenByOneVariable) {
  ::setenv("XDG_CACHE_HOME", "/c", 1);
  ::setenv("CAGE_STATE_DIR", "/s", 1);
  EXPECT_EQ(user_folder(UserFolder::cache).value(), "/s/cache");
}

TEST_F(UserFolders, ForSocketsAreShortAndPrivate) {
  std::string base = "/tmp/cages-t.XXXXXX";
  ASSERT_NE(::mkdtemp(base.data()), nullptr);
  ::setenv("XDG_RUNTIME_DIR", base.c_str(), 1);
  EXPECT_EQ(make_user_run_folder("0123abcd").value(), base + "/cages/0123abcd");
  ::chmod((base + "/cages").c_str(), 0755);
  EXPECT_EQ(make_user_run_folder("0123abcd").error().code, Code::UNSAFE_FILE);
  ::setenv("CAGE_STATE_DIR", (base + "/s").c_str(), 1);
  EXPECT_EQ(make_user_run_folder("0123abcd").value(), base + "/s/run/0123abcd");
  ::setenv("CAGE_STATE_DIR", (base + "/a/folder/much/too/deep").c_str(), 1);
  ::unsetenv("XDG_RUNTIME_DIR");
  const std::string own = "/tmp/cages-" + std::to_string(::getuid());
  EXPECT_EQ(make_user_run_folder("0123abcd").value(), own + "/0123abcd");
  std::filesystem::remove(own + "/0123abcd");
  std::filesystem::remove_all(base);
}

TEST_F(UserFolders, OfTheSystemAreOverriddenToo) {
  EXPECT_EQ(system_folder(SystemFolder::config), "/etc/cages");
  EXPECT_EQ(system_folder(SystemFolder::state), "/var/lib/cages");
  EXPECT_EQ(system_folder(SystemFolder::run), "/run/cages");
  ::setenv("CAGE_STATE_DIR", "/s", 1);
  EXPECT_EQ(system_folder(SystemFolder::config), "/s/config");
}

TEST_F(UserFolders, AreMissingWithoutAHome) {
  ::unsetenv("HOME");
  EXPECT_EQ(user_folder(UserFolder::cache).error().code, Code::MACHINE);
}

}  // namespace
}  // namespace cages
