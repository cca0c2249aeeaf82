// SPDX-License-Identifier: Apache-2.0
#include "image/layers.h"

#include <gtest/gtest.h>

#include "support/image.h"

namespace cages::image {
namespace {

using testing::gzip;
using testing::load_layers;
using testing::tar;
using testing::TarEntry;
using testing::text_of_tree;
using testing::zstd;

TarEntry folder(std::string name, std::uint32_t mode = 0755) {
  return {.name = std::move(name), .type = '5', .mode = mode};
}
TarEntry file(std::string name, std::string content) {
  return {.name = std::move(name), .content = std::move(content)};
}
TarEntry whiteout(std::string name) { return {.name = std::move(name)}; }

std::string tree_of(const std::vector<Bytes>& layers) {
  const auto image = load_layers(layers);
  return image ? text_of_tree(image->tree) : describe(image.error());
}

const std::vector<TarEntry> kBase{folder("a/"),
                                  {.name = "a/f", .content = "one", .mode = 04755, .uid = 7, .gid = 8},
                                  {.name = "a/l", .type = '2', .link = "/etc/../../x"},
                                  {.name = "a/h", .type = '1', .link = "a/f"},
                                  folder("a/d/", 01777),
                                  file("a/d/x", "x")};

TEST(Layers, KeepKindsModesOwnersAndLinks) {
  const std::string expected =
      "a d755 0:0\n"
      "a/d d1777 0:0\n"
      "a/d/x -644 0:0 x\n"
      "a/f -4755 7:8 one =0\n"
      "a/h -4755 7:8 one =0\n"
      "a/l l777 0:0 -> /etc/../../x\n";
  EXPECT_EQ(tree_of({tar(kBase)}), expected);
  EXPECT_EQ(tree_of({gzip(tar(kBase))}), expected);
  EXPECT_EQ(tree_of({zstd(tar(kBase))}), expected);
}

TEST(Layers, AcceptTheUsualSpellingsOfAPath) {
  EXPECT_EQ(tree_of({tar({folder("./"), folder("./a"), file("./a//b", "1"), file("a/./c", "2")})}),
            "a d755 0:0\na/b -644 0:0 1\na/c -644 0:0 2\n");
}

TEST(Layers, MakeTheParentsThatAreOnlyImplied) {
  EXPECT_EQ(tree_of({tar({file("a/b/c", "1"), folder("a/b", 0700)})}), "a d755 0:0\na/b d700 0:0\na/b/c -644 0:0 1\n");
}

TEST(Layers, WhiteoutsRemoveWhatLowerLayersWrote) {
  EXPECT_EQ(tree_of({tar(kBase), tar({whiteout("a/.wh.d"), whiteout("a/.wh.f"), whiteout("a/.wh.nothing")})}),
            "a d755 0:0\na/h -4755 7:8 one\na/l l777 0:0 -> /etc/../../x\n");
}

TEST(Layers, WhiteoutsKeepWhatTheirOwnLayerWrote) {
  const std::string expected = "a d755 0:0\na/f -644 0:0 new\n";
  EXPECT_EQ(tree_of({tar({folder("a"), file("a/f", "old")}), tar({whiteout("a/.wh.f"), file("a/f", "new")})}),
            expected);
  EXPECT_EQ(tree_of({tar({folder("a"), file("a/f", "old")}), tar({file("a/f", "new"), whiteout("a/.wh.f")})}),
            expected);
}

TEST(Layers, OpaqueDirectoriesLoseWhatLowerLayersPutThere) {
  const std::vector<TarEntry> lower{folder("a"),   file("a/1", "1"),   folder("a-b"),
                                    folder("a/d"), file("a/d/2", "2"), file("a-b/3", "3")};
  const std::string expected = "a d700 0:0\na-b d755 0:0\na-b/3 -644 0:0 3\na/new -644 0:0 n\n";
  EXPECT_EQ(tree_of({tar(lower), tar({folder("a", 0700), whiteout("a/.wh..wh..opq"), file("a/new", "n")})}), expected);
  EXPECT_EQ(tree_of({tar(lower), tar({folder("a", 0700), file("a/new", "n"), whiteout("a/.wh..wh..opq")})}), expected);
}

// "a-b" sorts between "a" and "a/x": what is kept below "a" must keep "a" although a neighbour lies between.
TEST(Layers, KeepTheParentsOfWhatStays) {
  EXPECT_EQ(tree_of({tar({folder("t"), folder("t/a"), folder("t/a-b"), file("t/a-b/old", "")}),
                     tar({file("t/a/x", "1"), whiteout(".wh.t")})}),
            "t d755 0:0\nt/a d755 0:0\nt/a/x -644 0:0 1\n");
}

TEST(Layers, ReplaceAcrossLayers) {
  EXPECT_EQ(tree_of({tar(kBase), tar({file("a/d", "now a file")})}),
            "a d755 0:0\na/d -644 0:0 now a file\na/f -4755 7:8 one =0\na/h -4755 7:8 one =0\na/l l777 0:0 -> "
            "/etc/../../x\n");
  EXPECT_EQ(tree_of({tar({file("a", "f")}), tar({folder("a"), file("a/b", "x")})}), "a d755 0:0\na/b -644 0:0 x\n");
  EXPECT_EQ(tree_of({tar({folder("a"), file("a/b", "x")}), tar({folder("a", 0700)})}), "a d700 0:0\na/b -644 0:0 x\n");
}

TEST(Layers, KeepOneNameOfAFileWhoseOtherNameChanges) {
  EXPECT_EQ(tree_of({tar({file("x", "1"), {.name = "y", .type = '1', .link = "./x"}}), tar({file("x", "2")})}),
            "x -644 0:0 2\ny -644 0:0 1\n");
}

TEST(Layers, ReadPaxHeaders) {
  const std::string name(200, 'n');
  EXPECT_EQ(
      tree_of({tar({{.name = "short", .content = "1", .pax = {{"path", name}, {"uid", "3000000000"}, {"gid", "5"}}}})}),
      name + " -644 3000000000:5 1\n");
  EXPECT_EQ(tree_of({tar({{.name = "l", .type = '2', .link = "x", .pax = {{"linkpath", "d/" + name}}}})}),
            "l l777 0:0 -> d/" + name + "\n");
}

TEST(Layers, KeepNamesInAnyLocale) {
  ::setenv("LC_ALL", "C", 1);
  EXPECT_EQ(tree_of({tar(
                {{.name = "x", .pax = {{"path", "caf\xc3\xa9"}}}, file("na\xc3\xafve", ""), file("latin\xe9", "")})}),
            "caf\xc3\xa9 -644 0:0 \nlatin\xe9 -644 0:0 \nna\xc3\xafve -644 0:0 \n");
  ::unsetenv("LC_ALL");
}

TEST(Layers, FillTheHolesOfSparseFiles) {
  // GNU sparse format 1.0: the map stands before the data.
  std::string content = "2\n2\n3\n8\n2\n";
  content.resize(512);
  content += "abcxy";
  const auto image = load_layers({tar({{.name = "GNUSparseFile.0/s",
                                        .content = content,
                                        .pax = {{"GNU.sparse.major", "1"},
                                                {"GNU.sparse.minor", "0"},
                                                {"GNU.sparse.name", "s"},
                                                {"GNU.sparse.realsize", "12"}}}})});
  ASSERT_TRUE(image) << describe(image.error());
  EXPECT_EQ(text_of_tree(image->tree), std::string("s -644 0:0 \0\0abc\0\0\0xy\0\0\n", 24));
}

TEST(Layers, LeaveOutDevicesBelowDevAndCountThem) {
  const auto image = load_layers({tar({folder("dev"),
                                       {.name = "dev/null", .type = '3'},
                                       {.name = "dev/fifo", .type = '6'},
                                       {.name = "dev/stdin", .type = '2', .link = "/proc/self/fd/0"}})});
  ASSERT_TRUE(image) << describe(image.error());
  EXPECT_EQ(text_of_tree(image->tree), "dev d755 0:0\ndev/stdin l777 0:0 -> /proc/self/fd/0\n");
  EXPECT_EQ(image->left_out.device_entries, 2U);
}

TEST(Layers, CountLostCapabilities) {
  const auto image = load_layers({tar({{.name = "ping", .pax = {{"SCHILY.xattr.security.capability", "x"}}}})});
  ASSERT_TRUE(image) << describe(image.error());
  EXPECT_EQ(image->left_out.capabilities, 1U);
}

TEST(Tree, ResolvesSymlinksInsideItself) {
  const auto image = load_layers({tar({folder("usr"),
                                       folder("usr/lib"),
                                       file("usr/lib/x", ""),
                                       {.name = "lib", .type = '2', .link = "usr/lib"},
                                       {.name = "up", .type = '2', .link = "../../../../usr"},
                                       {.name = "loop", .type = '2', .link = "loop"},
                                       {.name = "abs", .type = '2', .link = "/lib/x"}})});
  ASSERT_TRUE(image);
  const Tree& tree = image->tree;
  EXPECT_EQ(tree.resolve("/lib/x"), "usr/lib/x");
  EXPECT_EQ(tree.resolve("up/lib/x"), "usr/lib/x");
  EXPECT_EQ(tree.resolve("abs"), "usr/lib/x");
  EXPECT_EQ(tree.resolve("usr/../../../lib/./x"), "usr/lib/x");
  EXPECT_EQ(tree.resolve("/"), "");
  EXPECT_EQ(tree.resolve("loop"), std::nullopt);
  EXPECT_EQ(tree.resolve("usr/lib/x/y"), std::nullopt);
  EXPECT_EQ(tree.resolve("nothing"), std::nullopt);
}

}  // namespace
}  // namespace cages::image
