// SPDX-License-Identifier: Apache-2.0
#include "base/private_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace cages {
namespace {

class PrivateFolderTest : public ::testing::Test {
 protected:
  PrivateFolderTest() {
    std::string name = (std::filesystem::temp_directory_path() / "cages-private.XXXXXX").string();
    scratch_ = ::mkdtemp(name.data());
  }
  ~PrivateFolderTest() override { std::filesystem::remove_all(scratch_); }
  [[nodiscard]] PrivateFolder folder() const { return PrivateFolder::open_or_create(scratch_ / "a/keys").value(); }
  [[nodiscard]] std::filesystem::path file() const { return scratch_ / "a/keys/root.pem"; }
  [[nodiscard]] Code read_code() const { return folder().read("root.pem", 16).error().code; }

  std::filesystem::path scratch_;
};

Secret secret(std::string_view text) { return Secret::copy_of(as_bytes(text)); }

TEST_F(PrivateFolderTest, KeepsAFileForItsOwnerAlone) {
  EXPECT_FALSE(folder().read("root.pem", 16).value());
  EXPECT_TRUE(folder().create("root.pem", secret("one")).value());
  EXPECT_FALSE(folder().create("root.pem", secret("two")).value());
  EXPECT_EQ(as_text(folder().read("root.pem", 16).value()->reveal()), "one");
  struct stat status {};
  ASSERT_EQ(::stat(file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
  ASSERT_EQ(::stat(file().parent_path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0700U);
  std::size_t entries = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(file().parent_path())) ++entries;
  EXPECT_EQ(entries, 1U) << "no temporary file stays";
}

TEST_F(PrivateFolderTest, RefusesWhatOthersCouldHaveWritten) {
  ASSERT_TRUE(folder().create("root.pem", secret("one")).value());
  ASSERT_EQ(::chmod(file().c_str(), 0640), 0);
  EXPECT_EQ(read_code(), Code::UNSAFE_FILE);
  ASSERT_EQ(::chmod(file().c_str(), 0602), 0);
  EXPECT_EQ(read_code(), Code::UNSAFE_FILE);
  std::filesystem::remove(file());
  std::filesystem::create_symlink("/dev/null", file());
  EXPECT_EQ(read_code(), Code::UNSAFE_FILE);
  std::filesystem::remove(file());
  ASSERT_EQ(::mkfifo(file().c_str(), 0600), 0);
  EXPECT_EQ(read_code(), Code::UNSAFE_FILE);
}

TEST_F(PrivateFolderTest, RefusesAFolderOfOthers) {
  (void)folder();
  ASSERT_EQ(::chmod(file().parent_path().c_str(), 0750), 0);
  EXPECT_EQ(PrivateFolder::open_or_create(scratch_ / "a/keys").error().code, Code::UNSAFE_FILE);
  ASSERT_EQ(::chmod(file().parent_path().c_str(), 0700), 0);
  std::filesystem::create_directory_symlink(scratch_ / "a/keys", scratch_ / "link");
  EXPECT_EQ(PrivateFolder::open_or_create(scratch_ / "link").error().code, Code::UNSAFE_FILE);
  EXPECT_EQ(PrivateFolder::open_or_create(scratch_ / "link/").error().code, Code::UNSAFE_FILE);
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(file().parent_path().c_str(), 12345, 0), 0);
    EXPECT_EQ(PrivateFolder::open_or_create(scratch_ / "a/keys").error().code, Code::UNSAFE_FILE);
  }
}

TEST_F(PrivateFolderTest, BoundsWhatItReads) {
  ASSERT_TRUE(folder().create("root.pem", secret("seventeen bytes..")).value());
  EXPECT_EQ(read_code(), Code::LIMIT);
}

}  // namespace
}  // namespace cages
