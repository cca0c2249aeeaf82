// SPDX-License-Identifier: Apache-2.0
#include "image/cpio.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "base/limits.h"

namespace cages::image {
namespace {

constexpr std::size_t kTestBytesMax = 64 * 1024 * 1024;

// One entry as text: path type mode uid:gid content.
std::string line(const CpioEntry& entry, CpioReader& reader) {
  Bytes content(1024);
  content.resize(reader.read(content).value());
  char head[128];
  std::snprintf(head, sizeof head, " %o %u:%u ", entry.mode, entry.uid, entry.gid);
  return entry.path + head +
         (entry.hard_link_to.empty() ? entry.target + std::string(as_text(content)) : "=" + entry.hard_link_to);
}

Result<std::vector<std::string>> list(ByteView archive) {
  CpioReader reader(source_of(archive));
  std::vector<std::string> lines;
  for (;;) {
    TRY_ASSIGN(const std::optional<CpioEntry> entry, reader.next());
    if (!entry) return lines;
    lines.push_back(line(*entry, reader));
  }
}

Error refusal(ByteView archive) {
  const auto listed = list(archive);
  return listed ? Error(Code::INTERNAL, "accepted") : listed.error();
}

Bytes sample() {
  Bytes out;
  CpioWriter writer(sink_to(out, kTestBytesMax));
  EXPECT_TRUE(writer.directory("cage", 0755, 0, 0));
  EXPECT_TRUE(writer.file("cage/manifest", 0444, 0, 0, 5, source_of(as_bytes("hello"))));
  EXPECT_TRUE(writer.directory("rootfs", 01777, 0, 0));
  EXPECT_TRUE(writer.file("rootfs/a", 04755, 1, 2, 3, source_of(as_bytes("abc")), 2));
  EXPECT_TRUE(writer.link("rootfs/b", "rootfs/a"));
  EXPECT_TRUE(writer.symlink("rootfs/c", "/etc/../x", 3, 4));
  EXPECT_TRUE(writer.finish());
  EXPECT_EQ(writer.bytes_written(), out.size());
  return out;
}

TEST(Cpio, RoundTripsEveryKindOfEntry) {
  const std::vector<std::string> expected{
      "cage 40755 0:0 ",         "cage/manifest 100444 0:0 hello", "rootfs 41777 0:0 ",
      "rootfs/a 104755 1:2 abc", "rootfs/b 104755 1:2 =rootfs/a",  "rootfs/c 120777 3:4 /etc/../x"};
  EXPECT_EQ(list(sample()).value(), expected);
}

// nitro.md §1.7, field by field.
TEST(CpioWriter, WritesTheCanonicalBytes) {
  Bytes out;
  CpioWriter writer(sink_to(out, kTestBytesMax));
  ASSERT_TRUE(writer.directory("d", 0755, 0, 0));
  ASSERT_TRUE(writer.file("d/f", 0644, 1, 26, 5, source_of(as_bytes("hello"))));
  ASSERT_TRUE(writer.finish());
  const std::string_view text = as_text(out);
  EXPECT_EQ(text.substr(0, 112), std::string("070701"
                                             "000002d1"
                                             "000041ed"
                                             "00000000"
                                             "00000000"
                                             "00000002"
                                             "58f63f08"
                                             "00000000"
                                             "00000003"
                                             "00000001"
                                             "00000000"
                                             "00000000"
                                             "00000002"
                                             "00000000"
                                             "d\0",
                                             112));
  EXPECT_EQ(text.substr(112, 124), std::string("070701"
                                               "000002d2"
                                               "000081a4"
                                               "00000001"
                                               "0000001a"
                                               "00000001"
                                               "58f63f08"
                                               "00000005"
                                               "00000003"
                                               "00000001"
                                               "00000000"
                                               "00000000"
                                               "00000004"
                                               "00000000"
                                               "d/f\0\0\0"
                                               "hello\0\0\0",
                                               124));
  EXPECT_EQ(text.substr(236, 124), std::string("070701"
                                               "000002d3"
                                               "00000000"
                                               "00000000"
                                               "00000000"
                                               "00000001"
                                               "00000000"
                                               "00000000"
                                               "00000003"
                                               "00000001"
                                               "00000000"
                                               "00000000"
                                               "0000000b"
                                               "00000000"
                                               "TRAILER!!!\0\0\0\0",
                                               124));
  EXPECT_EQ(out.size(), 512U);
  EXPECT_TRUE(all_zero(ByteView(out).subspan(360)));
}

TEST(CpioWriter, RefusesWhatIsNotCanonical) {
  Bytes out;
  CpioWriter writer(sink_to(out, kTestBytesMax));
  ASSERT_TRUE(writer.directory("b", 0755, 0, 0));
  ASSERT_TRUE(writer.symlink("b/s", "/", 0, 0));
  EXPECT_EQ(writer.directory("a", 0755, 0, 0).error().subject, "order");
  EXPECT_EQ(writer.symlink("b/s", "/", 0, 0).error().subject, "order");
  EXPECT_EQ(writer.symlink("b/s/t", "/", 0, 0).error().subject, "parent");
  EXPECT_EQ(writer.directory("c/d", 0755, 0, 0).error().subject, "parent");
  for (const char* path : {"", "/x", "x/", "x//y", "./x", "../x", "x/../y", "."}) {
    EXPECT_EQ(writer.directory(path, 0755, 0, 0).error().subject, "path") << path;
  }
  EXPECT_EQ(writer.symlink("x", "", 0, 0).error().subject, "symlink");
  EXPECT_EQ(writer.link("x", "b").error().subject, "hard link");
  EXPECT_EQ(writer.file("y", 0644, 0, 0, 9, source_of(as_bytes("short"))).error().subject, "content");
  EXPECT_EQ(writer.file("z", 0644, 0, 0, limits::kImageFileBytesMax + 1, source_of({})).error().code, Code::LIMIT);
}

TEST(CpioWriter, AsksForEveryNameOfAHardLink) {
  Bytes out;
  CpioWriter writer(sink_to(out, kTestBytesMax));
  ASSERT_TRUE(writer.file("a", 0644, 0, 0, 0, source_of({}), 2));
  EXPECT_EQ(writer.finish().error().subject, "hard link");
}

// An archive made by hand, so that it can be wrong.
struct Raw {
  std::string name;
  std::uint32_t mode = 0100644;
  std::string content{};
  std::uint32_t links = 1;
  std::uint32_t inode = 1;
};

Bytes raw_archive(const std::vector<Raw>& entries, bool trailer = true) {
  std::string out;
  const auto add = [&](const Raw& raw) {
    char head[112];
    std::snprintf(head, sizeof head, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", raw.inode, raw.mode,
                  0U, 0U, raw.links, 0U, static_cast<unsigned>(raw.content.size()), 0U, 0U, 0U, 0U,
                  static_cast<unsigned>(raw.name.size() + 1), 0U);
    out += head + raw.name + '\0';
    while (out.size() % 4 != 0) out += '\0';
    out += raw.content;
    while (out.size() % 4 != 0) out += '\0';
  };
  for (const Raw& raw : entries) add(raw);
  if (trailer) add({.name = "TRAILER!!!", .mode = 0});
  return to_bytes(out);
}

TEST(CpioReader, ReadsWhatOtherToolsWrite) {
  const auto listed =
      list(raw_archive({{".", 040755, ""}, {"./b/", 040755, ""}, {"./a", 0100644, "x"}, {"b/c", 020600, ""}}));
  EXPECT_EQ(listed.value(),
            (std::vector<std::string>{". 40755 0:0 ", "b 40755 0:0 ", "a 100644 0:0 x", "b/c 20600 0:0 "}));
}

TEST(CpioReader, ReadsADirectoryAfterWhatIsInIt) {
  EXPECT_TRUE(list(raw_archive({{"a/b/c"}, {"a", 040755, ""}, {"a/b", 040700, ""}})));
  EXPECT_EQ(refusal(raw_archive({{"a/b"}, {"a", 040755, ""}, {"a", 040755, ""}})).subject, "path");
}

TEST(CpioReader, NeverNamesAPathOutside) {
  for (const char* name : {"/etc/passwd", "../x", "a/../../x", "..", "a//b", "a/./b", "/", "./../x", "x/.."}) {
    const Error error = refusal(raw_archive({{name}}));
    EXPECT_EQ(error.code, Code::CPIO) << name;
    EXPECT_EQ(error.subject, "path") << name;
  }
}

TEST(CpioReader, RefusesTrickyStructure) {
  EXPECT_EQ(refusal(raw_archive({{"a", 0120777, "/etc"}, {"a/passwd", 0100644, "x"}})).subject, "parent");
  EXPECT_EQ(refusal(raw_archive({{"a"}, {"a/b"}})).subject, "parent");
  EXPECT_EQ(refusal(raw_archive({{"a/b/c"}, {"a", 0120777, "/etc"}})).subject, "path");
  EXPECT_EQ(refusal(raw_archive({{"a/b/c"}, {"a/b", 0120777, "/etc"}})).subject, "path");
  EXPECT_EQ(refusal(raw_archive({{"a/b", 0120777, "/etc"}, {"a/b/c/d"}})).subject, "parent");
  EXPECT_EQ(refusal(raw_archive({{"a"}, {"a"}})).subject, "path");
  EXPECT_EQ(refusal(raw_archive({{"a", 040755, ""}, {"a", 0120777, "/"}})).subject, "path");
  EXPECT_EQ(refusal(raw_archive({{"a", 0120777, ""}})).subject, "symlink");
  EXPECT_EQ(refusal(raw_archive({{"a", 0120777, std::string("x\0y", 3)}})).subject, "symlink");
  EXPECT_EQ(refusal(raw_archive({{"a", 040755, "content"}})).subject, "content");
  EXPECT_EQ(refusal(raw_archive({{".", 0120777, "/"}})).subject, "path");
  EXPECT_EQ(refusal(raw_archive({{"a", 0100644, "x", 2}, {"b", 0100644, "y", 2}})).subject, "hard link");
  EXPECT_EQ(refusal(raw_archive({{"TRAILER!!!", 0, "x"}})).subject, "trailer");
  EXPECT_EQ(refusal(raw_archive({{"a"}}, false)).subject, "head");
  EXPECT_EQ(refusal({}).subject, "head");
}

TEST(CpioReader, BoundsNamesDepthAndNumber) {
  EXPECT_EQ(refusal(raw_archive({{std::string(limits::kImageNameBytesMax + 1, 'x')}})).code, Code::LIMIT);
  EXPECT_EQ(refusal(raw_archive({{std::string(limits::kImagePathBytesMax + 1, 'x')}})).code, Code::LIMIT);
  EXPECT_EQ(refusal(raw_archive({{"l", 0120777, std::string(limits::kImagePathBytesMax + 1, 'x')}})).code, Code::LIMIT);
  std::string deep = "x";
  for (std::size_t i = 0; i < limits::kImageDepthMax; ++i) deep += "/x";
  EXPECT_EQ(refusal(raw_archive({{deep}})).code, Code::LIMIT);
}

TEST(CpioReader, RefusesEveryCutAndBytesAfterTheEnd) {
  const Bytes whole = sample();
  const std::size_t end = whole.size() - 400;  // inside the padding a cut is invisible
  for (std::size_t cut = 0; cut < end; cut += 7) {
    EXPECT_FALSE(list(ByteView(whole).first(cut))) << cut;
  }
  Bytes longer = whole;
  longer.push_back(1);
  EXPECT_EQ(refusal(longer).subject, "end");
}

TEST(CpioReader, ReadsTheRamdisksOfTheVectors) {
  const char* set = std::getenv("CAGE_VECTORS");
  const std::filesystem::path vectors = set != nullptr ? set : CAGES_SOURCE_DIR "/../shared/vectors";
  const auto folder = vectors / "eif/synthetic";
  if (!std::filesystem::exists(folder / "app.cpio")) GTEST_SKIP() << "no vectors at " << vectors;
  for (const char* name : {"app.cpio", "boot.cpio"}) {
    const Bytes archive = read_file(folder / name, kTestBytesMax).value();
    const auto listed = list(archive);
    ASSERT_TRUE(listed) << name << ": " << describe(listed.error());
    EXPECT_FALSE(listed->empty());
  }
}

}  // namespace
}  // namespace cages::image
