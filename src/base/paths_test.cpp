// SPDX-License-Identifier: Apache-2.0
#include "base/paths.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace cages {
namespace {

class UserFolders : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"CAGE_STATE_DIR", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"}) ::unsetenv(name);
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

TEST_F(UserFolders, AreMissingWithoutAHome) {
  ::unsetenv("HOME");
  EXPECT_EQ(user_folder(UserFolder::cache).error().code, Code::MACHINE);
}

}  // namespace
}  // namespace cages
