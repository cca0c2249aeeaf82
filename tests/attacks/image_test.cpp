// SPDX-License-Identifier: Apache-2.0
// What a hostile image tries on whoever builds a cage from it. Each row must be refused by the one check named.
#include "support/image.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "image/ramdisk.h"

namespace cages::image {
namespace {

using testing::gzip;
using testing::load_layers;
using testing::tar;
using testing::TarEntry;
using testing::text_of_tree;

struct Attack {
  const char* what;
  Code refused_by;
  std::vector<std::vector<TarEntry>> layers;
};

std::vector<Attack> path_attacks() {
  return {
      {"absolute name", Code::IMAGE_PATH, {{{.name = "/etc/passwd"}}}},
      {"parent of the root", Code::IMAGE_PATH, {{{.name = "../x"}}}},
      {"parent in the middle", Code::IMAGE_PATH, {{{.name = "a/../../x"}}}},
      {"parent at the end", Code::IMAGE_PATH, {{{.name = "a/..", .type = '5'}}}},
      {"parent behind ./", Code::IMAGE_PATH, {{{.name = "./../x"}}}},
      {"PAX path", Code::IMAGE_PATH, {{{.name = "x", .pax = {{"path", "../x"}}}}}},
      {"absolute PAX path", Code::IMAGE_PATH, {{{.name = "x", .pax = {{"path", "/x"}}}}}},
      {"hard link to the outside", Code::IMAGE_PATH, {{{.name = "x", .type = '1', .link = "../../etc/shadow"}}}},
      {"hard link to an absolute path", Code::IMAGE_PATH, {{{.name = "x", .type = '1', .link = "/etc/shadow"}}}},
      {"whiteout of the parent", Code::IMAGE_PATH, {{{.name = "a/.wh..."}}}},
      {"whiteout of the folder itself", Code::IMAGE_PATH, {{{.name = "a/.wh.."}}}},
      {"whiteout of nothing", Code::IMAGE_PATH, {{{.name = "a/.wh."}}}},
      {"whiteout outside", Code::IMAGE_PATH, {{{.name = "../.wh.x"}}}},
      {"through a symlink of the layer",
       Code::IMAGE_PATH,
       {{{.name = "a", .type = '2', .link = "/etc"}, {.name = "a/passwd"}}}},
      {"through a symlink of a lower layer",
       Code::IMAGE_PATH,
       {{{.name = "a", .type = '2', .link = "/etc"}}, {{.name = "a/passwd"}}}},
      {"through a symlink below",
       Code::IMAGE_PATH,
       {{{.name = "d", .type = '5'}, {.name = "d/a", .type = '2', .link = ".."}}, {{.name = "d/a/b/c"}}}},
      {"through a file", Code::IMAGE_PATH, {{{.name = "a"}, {.name = "a/b"}}}},
      {"the root as a symlink", Code::IMAGE_PATH, {{{.name = "./", .type = '2', .link = "/etc"}}}},
  };
}

std::vector<Attack> entry_attacks() {
  return {
      {"character device", Code::IMAGE_ENTRY, {{{.name = "null", .type = '3'}}}},
      {"block device", Code::IMAGE_ENTRY, {{{.name = "sda", .type = '4'}}}},
      {"FIFO", Code::IMAGE_ENTRY, {{{.name = "fifo", .type = '6'}}}},
      {"device in a folder that only begins like dev", Code::IMAGE_ENTRY, {{{.name = "device/null", .type = '3'}}}},
      {"hard link to nothing", Code::IMAGE_ENTRY, {{{.name = "x", .type = '1', .link = "nothing"}}}},
      {"hard link to a folder",
       Code::IMAGE_ENTRY,
       {{{.name = "d", .type = '5'}, {.name = "x", .type = '1', .link = "d"}}}},
      {"one file twice", Code::IMAGE_ENTRY, {{{.name = "x", .content = "1"}, {.name = "x", .content = "2"}}}},
      {"symlink over a file", Code::IMAGE_ENTRY, {{{.name = "x"}, {.name = "x", .type = '2', .link = "/"}}}},
      {"file over a folder", Code::IMAGE_ENTRY, {{{.name = "d", .type = '5'}, {.name = "d"}}}},
      {"folder over a symlink",
       Code::IMAGE_ENTRY,
       {{{.name = "d", .type = '2', .link = "/"}, {.name = "d", .type = '5'}}}},
      {"file over a folder with new content",
       Code::IMAGE_ENTRY,
       {{{.name = "d", .type = '5'}}, {{.name = "d/new"}, {.name = "d"}}}},
      {"owner that chown takes for none", Code::IMAGE_ENTRY, {{{.name = "x", .pax = {{"uid", "4294967295"}}}}}},
      {"owner beyond 32 bits", Code::IMAGE_ENTRY, {{{.name = "x", .pax = {{"gid", "4294967297"}}}}}},
      {"symlink to nowhere", Code::IMAGE_ENTRY, {{{.name = "x", .type = '2'}}}},
  };
}

std::vector<Attack> limit_attacks() {
  std::string deep = "x";
  for (std::size_t i = 0; i < limits::kImageDepthMax; ++i) deep += "/x";
  const std::string long_target(limits::kImagePathBytesMax + 1, 't');
  return {
      {"long name", Code::IMAGE_LIMIT, {{{.name = "x", .pax = {{"path", std::string(256, 'n')}}}}}},
      {"long path", Code::IMAGE_LIMIT, {{{.name = "x", .pax = {{"path", std::string(5000, 'n')}}}}}},
      {"deep path", Code::IMAGE_LIMIT, {{{.name = "x", .pax = {{"path", deep}}}}}},
      {"long target",
       Code::IMAGE_LIMIT,
       {{{.name = "x", .type = '2', .link = "t", .pax = {{"linkpath", long_target}}}}}},
      {"hole of 1 TiB",
       Code::IMAGE_LIMIT,
       {{{.name = "GNUSparseFile.0/s",
          .content = std::string("0\n").append(510, '\0'),
          .pax = {{"GNU.sparse.major", "1"},
                  {"GNU.sparse.minor", "0"},
                  {"GNU.sparse.name", "s"},
                  {"GNU.sparse.realsize", "1099511627776"}}}}}},
      {"hole of 1 GiB",
       Code::IMAGE_LIMIT,
       {{{.name = "GNUSparseFile.0/s",
          .content = std::string("0\n").append(510, '\0'),
          .pax = {{"GNU.sparse.major", "1"},
                  {"GNU.sparse.minor", "0"},
                  {"GNU.sparse.name", "s"},
                  {"GNU.sparse.realsize", "1073741824"}}}}}},
  };
}

void expect_refused(const std::vector<Attack>& attacks) {
  for (const Attack& attack : attacks) {
    std::vector<Bytes> layers;
    for (const auto& entries : attack.layers) layers.push_back(tar(entries));
    for (const bool compressed : {false, true}) {
      std::vector<Bytes> sent;
      for (const Bytes& layer : layers) sent.push_back(compressed ? gzip(layer) : layer);
      const auto image = load_layers(sent);
      ASSERT_FALSE(image) << attack.what << ": " << text_of_tree(image->tree);
      EXPECT_EQ(code_info(image.error().code).name, code_info(attack.refused_by).name)
          << attack.what << ": " << describe(image.error());
    }
  }
}

TEST(ImageAttacks, NamesThatLeaveTheRoot) { expect_refused(path_attacks()); }
TEST(ImageAttacks, EntriesThatNoCageMayHave) { expect_refused(entry_attacks()); }
TEST(ImageAttacks, NamesAndHolesBeyondLimits) { expect_refused(limit_attacks()); }

// A zstd frame of run-length blocks: 4 bytes become 128 KiB.
Bytes zstd_bomb(std::uint32_t blocks) {
  constexpr std::uint32_t kBlock = 128 * 1024;
  // One header for a file that fills the frame; the first block holds it, the rest are runs of zeros.
  const std::uint64_t content = std::uint64_t{blocks} * kBlock;
  std::string head;
  testing::add_header(head, {.name = "x"}, static_cast<std::size_t>(content));
  Bytes out{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x68};  // a window of 8 MiB, size not declared
  const auto block = [&](std::uint32_t size, unsigned type, bool last) {
    const std::uint32_t word = size << 3 | type << 1 | (last ? 1U : 0U);
    for (int i = 0; i < 3; ++i) out.push_back(static_cast<Byte>(word >> (8 * i)));
  };
  block(static_cast<std::uint32_t>(head.size()), 0, false);
  append(out, as_bytes(head));
  for (std::uint32_t i = 0; i < blocks; ++i) {
    block(kBlock, 1, false);
    out.push_back(0);
  }
  block(1024, 1, true);
  out.push_back(0);
  return out;
}

TEST(ImageAttacks, CompressionBombs) {
  const std::string zeros(64 * 1024 * 1024, '\0');
  const auto deflated = load_layers({gzip(tar({{.name = "x", .content = zeros}}))});
  ASSERT_FALSE(deflated);
  EXPECT_EQ(deflated.error().code, Code::IMAGE_LIMIT) << describe(deflated.error());
  const auto runs = load_layers({zstd_bomb(8192)});  // 1 GiB from 32 KiB
  ASSERT_FALSE(runs);
  EXPECT_EQ(runs.error().code, Code::IMAGE_LIMIT) << describe(runs.error());
  EXPECT_TRUE(load_layers({zstd_bomb(64)})) << "8 MiB of zeros are no attack";
}

TEST(ImageAttacks, MoreLayersThanAnImageHas) {
  const std::vector<Bytes> layers(limits::kImageLayersMax + 1, tar({}));
  EXPECT_EQ(load_layers(layers).error().code, Code::IMAGE_LIMIT);
}

TEST(ImageAttacks, ArchivesThatAreNone) {
  const Bytes good = tar({{.name = "x", .content = std::string(2000, 'x')}});
  Bytes cut(good.begin(), good.begin() + 700);
  EXPECT_EQ(load_layers({cut}).error().code, Code::IMAGE);
  const Bytes packed = gzip(good);
  EXPECT_EQ(load_layers({Bytes(packed.begin(), packed.end() - 12)}).error().code, Code::IMAGE);
  EXPECT_EQ(load_layers({to_bytes(std::string(1024, 'x'))}).error().code, Code::IMAGE);
  // Another decompressor than the two that OCI knows: xz.
  EXPECT_EQ(load_layers({parse_hex("fd377a585a000004e6d6b4460000000000000000").value()}).error().code, Code::IMAGE);
}

TEST(ImageAttacks, NothingIsWrittenOutsideTheSpool) {
  const testing::TemporaryFolder folder;
  testing::OciImage(folder.path() / "oci")
      .write({gzip(tar({{.name = "a", .type = '2', .link = "/"}, {.name = "f", .content = "x"}}))});
  std::filesystem::create_directory(folder.path() / "spool");
  LoadOptions options;
  options.spool_folder = folder.path() / "spool";
  const auto image = load_oci_layout(folder.path() / "oci", options);
  ASSERT_TRUE(image);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path() / "spool")) << "the spool has no name";
}

}  // namespace
}  // namespace cages::image
