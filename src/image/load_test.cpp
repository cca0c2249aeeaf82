// SPDX-License-Identifier: Apache-2.0
#include "image/load.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/ramdisk.h"
#include "support/image.h"

namespace cages::image {
namespace {

using testing::gzip;
using testing::OciImage;
using testing::tar;
using testing::TemporaryFolder;
using testing::text_of_tree;
using testing::write_text;

LoadOptions options_in(const TemporaryFolder& folder, std::string architecture = "amd64") {
  LoadOptions options;
  options.spool_folder = folder.path();
  options.architecture = std::move(architecture);
  return options;
}

Code code_of(const Result<Image>& image) { return image ? Code::INTERNAL : image.error().code; }

// Each change leaves the blob readable and its size the same: the digest alone tells.
TEST(OciLayout, RefusesBlobsThatAreNotTheirDigest) {
  struct Row {
    const char* what;
    bool packed;
    std::string_view found_by;  // text in the blob
    std::size_t after;          // bytes from there to the one that changes
  };
  const Row rows[] = {{"layer", false, "content", 0},
                      {"gzip layer", true, "\x1f\x8b", 9},  // the byte that names the system it was made on
                      {"config", false, "\"amd64\"", 1},
                      {"manifest", false, "\"schemaVersion\":2", 16}};
  for (const Row& row : rows) {
    const TemporaryFolder folder;
    const Bytes layer = tar({{.name = "x", .content = "content"}});
    OciImage(folder.path()).write({row.packed ? gzip(layer) : layer});
    int changed = 0;
    for (const auto& item : std::filesystem::directory_iterator(folder.path() / "blobs/sha256")) {
      Bytes content = read_file(item.path(), 1 << 20).value();
      const std::size_t at = as_text(content).find(row.found_by);
      if (at == std::string_view::npos) continue;
      content[at + row.after] ^= 1;
      write_text(item.path(), content);
      ++changed;
    }
    EXPECT_EQ(changed, 1) << row.what;
    EXPECT_EQ(code_of(load_oci_layout(folder.path(), options_in(folder))), Code::IMAGE_DIGEST) << row.what;
  }
}

TEST(OciLayout, RefusesALayerThatIsNotTheOneTheConfigurationNames) {
  const TemporaryFolder folder;
  OciImage(folder.path())
      .write({tar({})}, R"({"os":"linux","rootfs":{"diff_ids":["sha256:)" + std::string(64, '0') + R"("]}})");
  EXPECT_EQ(code_of(load_oci_layout(folder.path(), options_in(folder))), Code::IMAGE_DIGEST);
}

TEST(OciLayout, RefusesDigestsThatCouldBePaths) {
  for (const char* digest : {"sha256:../../../etc/passwd", "sha512:00", "sha256:", "md5:x", ""}) {
    const TemporaryFolder folder;
    OciImage(folder.path())
        .index(R"([{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":1,"digest":")" +
               std::string(digest) + R"("}])");
    EXPECT_EQ(code_of(load_oci_layout(folder.path(), options_in(folder))), Code::IMAGE) << digest;
  }
}

TEST(OciLayout, FollowsNoLinkInPlaceOfABlob) {
  const TemporaryFolder folder;
  OciImage image(folder.path());
  image.write({tar({})});
  const std::string other = hex(crypto::sha256(as_bytes("x")));
  write_text(folder.path() / "secret", as_bytes("x"));
  std::filesystem::create_symlink(folder.path() / "secret", folder.path() / "blobs/sha256" / other);
  image.index(R"([{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":1,"digest":"sha256:)" + other +
              R"("}])");
  EXPECT_EQ(code_of(load_oci_layout(folder.path(), options_in(folder))), Code::IO);
}

TEST(OciLayout, ChoosesByArchitecture) {
  const TemporaryFolder folder;
  OciImage image(folder.path());
  std::string list;
  for (const std::string architecture : {"amd64", "arm64", "unknown"}) {
    const std::string config = R"({"os":"linux","architecture":")" + architecture + R"("})";
    const std::string manifest = R"({"config":)" +
                                 image.descriptor(as_bytes(config), "application/vnd.oci.image.config.v1+json") +
                                 R"(,"layers":[)" + image.descriptor(tar({{.name = architecture}}), "x") + "]}";
    std::string one = image.descriptor(as_bytes(manifest), "application/vnd.oci.image.manifest.v1+json");
    one.insert(one.size() - 1, R"(,"platform":{"os":"linux","architecture":")" + architecture + R"("})");
    list += (list.empty() ? "" : ",") + one;
  }
  image.index("[" + list + "]");
  for (const std::string architecture : {"amd64", "arm64"}) {
    const auto loaded = load_oci_layout(folder.path(), options_in(folder, architecture));
    ASSERT_TRUE(loaded) << describe(loaded.error());
    EXPECT_NE(loaded->tree.find(architecture), nullptr);
  }
  const auto none = load_oci_layout(folder.path(), options_in(folder, "riscv64"));
  EXPECT_EQ(code_of(none), Code::IMAGE);
  EXPECT_EQ(none.error().got, "amd64, arm64");
}

TEST(OciLayout, RefusesTheOnlyImageWhereItIsForAnotherArchitecture) {
  const TemporaryFolder folder;
  OciImage(folder.path()).write({tar({})}, R"({"os":"linux","architecture":"arm64"})");
  const auto refused = load_oci_layout(folder.path(), options_in(folder));
  EXPECT_EQ(code_of(refused), Code::IMAGE);
  EXPECT_EQ(refused.error().subject, "architecture");
  EXPECT_TRUE(load_oci_layout(folder.path(), options_in(folder, "arm64")));
}

TEST(OciLayout, RefusesDocumentsOfOtherShapes) {
  for (const char* index : {"{}", "[]", "[1]", R"([{"digest":5}])", R"([{"size":-1,"digest":"sha256:00"}])"}) {
    const TemporaryFolder folder;
    OciImage(folder.path()).index(index);
    EXPECT_EQ(code_of(load_oci_layout(folder.path(), options_in(folder))), Code::IMAGE) << index;
  }
  const TemporaryFolder folder;
  EXPECT_EQ(code_of(load_oci_layout(folder.path(), options_in(folder))), Code::IO) << "an empty folder";
}

// As `docker save` writes them: the old form with links between layers, and the new one with blobs.
struct Archive {
  Bytes layer = tar({{.name = "x", .content = "content"}});
  std::string config =
      R"({"os":"linux","architecture":"amd64","rootfs":{"diff_ids":["sha256:)" + hex(crypto::sha256(layer)) + R"("]}})";
  std::string config_name = hex(crypto::sha256(as_bytes(config))) + ".json";

  Bytes old_form() const {
    return tar(
        {{.name = "aa/layer.tar", .content = std::string(as_text(layer))},
         {.name = "bb/layer.tar", .type = '2', .link = "../aa/layer.tar"},
         {.name = config_name, .content = config},
         {.name = "manifest.json", .content = R"([{"Config":")" + config_name + R"(","Layers":["bb/layer.tar"]}])"}});
  }
};

Result<Image> load_archive(const Bytes& archive) {
  const TemporaryFolder folder;
  write_text(folder.path() / "image.tar", archive);
  return load_docker_archive(folder.path() / "image.tar", options_in(folder));
}

TEST(DockerArchive, LoadsWithoutCopyingPlainLayers) {
  const auto image = load_archive(Archive().old_form());
  ASSERT_TRUE(image) << describe(image.error());
  EXPECT_EQ(text_of_tree(image->tree), "x -644 0:0 content\n");
}

TEST(DockerArchive, RefusesWhatIsNotItsDigest) {
  Archive other_layer;
  other_layer.layer = tar({{.name = "x", .content = "other"}});
  EXPECT_EQ(code_of(load_archive(other_layer.old_form())), Code::IMAGE_DIGEST);
  Archive other_config;
  other_config.config += " ";
  EXPECT_EQ(code_of(load_archive(other_config.old_form())), Code::IMAGE_DIGEST);
  Archive no_ids;
  no_ids.config = R"({"os":"linux"})";
  no_ids.config_name = "config.json";
  EXPECT_EQ(code_of(load_archive(no_ids.old_form())), Code::IMAGE);
}

TEST(DockerArchive, RefusesOtherShapes) {
  EXPECT_EQ(code_of(load_archive(gzip(Archive().old_form()))), Code::IMAGE);
  EXPECT_EQ(code_of(load_archive(tar({}))), Code::IMAGE);
  EXPECT_EQ(code_of(load_archive(tar({{.name = "manifest.json", .content = "[]"}}))), Code::IMAGE);
  EXPECT_EQ(code_of(load_archive(tar({{.name = "manifest.json", .content = R"([{"Config":"../x","Layers":[]}])"}}))),
            Code::IMAGE_PATH);
  EXPECT_EQ(code_of(load_archive(tar({{.name = "manifest.json", .type = '2', .link = "manifest.json"}}))), Code::IMAGE);
}

TEST(Rootfs, ReadsADirectoryWithItsLinks) {
  const TemporaryFolder folder;
  const auto root = folder.path() / "root";
  write_text(root / "etc/a", as_bytes("one"));
  ASSERT_EQ(::chmod((root / "etc/a").c_str(), 04711), 0);
  ASSERT_EQ(::chmod((root / "etc").c_str(), 0750), 0);
  std::filesystem::create_hard_link(root / "etc/a", root / "b");
  std::filesystem::create_symlink("/etc/shadow", root / "s");
  const auto image = load_rootfs(root, options_in(folder));
  ASSERT_TRUE(image) << describe(image.error());
  EXPECT_EQ(text_of_tree(image->tree),
            "b -4711 0:0 one =0\netc d750 0:0\netc/a -4711 0:0 one =0\ns l777 0:0 -> /etc/shadow\n");
}

// What is written is what was seen: contents are read when the image is.
TEST(Rootfs, RefusesAFileThatIsAnotherWhenItIsRead) {
  const auto change = [](const std::filesystem::path& root, int how) {
    if (how == 0) write_text(root / "a/b", as_bytes("two"));  // the same length
    if (how == 1) std::filesystem::remove(root / "a/b");
    if (how == 2) std::filesystem::rename(root / "a", root / "c");
    if (how == 2) std::filesystem::create_symlink("c", root / "a");
  };
  for (int how = 0; how < 4; ++how) {
    const TemporaryFolder folder;
    const auto root = folder.path() / "root";
    write_text(root / "a/b", as_bytes("one"));
    const auto image = load_rootfs(root, options_in(folder));
    ASSERT_TRUE(image) << describe(image.error());
    ::usleep(20'000);  // times of change are as fine as the kernel's tick
    change(root, how);
    Bytes archive;
    const auto written = write_app_ramdisk(image->tree, as_bytes("m"), sink_to(archive, 1 << 20));
    EXPECT_EQ(written.has_value(), how == 3) << how;
    if (how == 0) EXPECT_EQ(written.error().code, Code::IMAGE);
  }
}

TEST(Rootfs, RefusesFifos) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder.path() / "fifo").c_str(), 0644), 0);
  EXPECT_EQ(code_of(load_rootfs(folder.path(), options_in(folder))), Code::IMAGE_ENTRY);
}

TEST(Ramdisk, HoldsTheImageBelowRootfsAndTheManifest) {
  const auto image = testing::load_layers({tar({{.name = "./", .type = '5', .mode = 0711},
                                                {.name = "b", .content = "two"},
                                                {.name = "a", .type = '1', .link = "b"},
                                                {.name = "l", .type = '2', .link = "b"}})});
  ASSERT_TRUE(image) << describe(image.error());
  Bytes archive;
  ASSERT_TRUE(write_app_ramdisk(image->tree, as_bytes("manifest"), sink_to(archive, 1 << 20)));
  CpioReader reader(source_of(archive));
  std::vector<std::string> lines;
  for (;;) {
    const auto entry = reader.next().value();
    if (!entry) break;
    Bytes content(64);
    content.resize(reader.read(content).value());
    char mode[16];
    std::snprintf(mode, sizeof mode, " %o ", entry->mode);
    lines.push_back(entry->path + mode + std::string(as_text(content)) + entry->target + entry->hard_link_to);
  }
  EXPECT_EQ(lines, (std::vector<std::string>{"cage 40755 ", "cage/manifest 100444 manifest", "rootfs 40711 ",
                                             "rootfs/a 100644 two", "rootfs/b 100644 rootfs/a", "rootfs/l 120777 b"}));
}

TEST(Ramdisk, OfTheRuntimeHoldsInitAndTheCommandLine) {
  const TemporaryFolder folder;
  write_text(folder.path() / "runtime", as_bytes("\x7f"
                                                 "ELF"));
  Bytes archive;
  ASSERT_TRUE(
      write_runtime_ramdisk(Content(open_blob(folder.path() / "runtime").value()), "quiet", sink_to(archive, 1 << 20)));
  CpioReader reader(source_of(archive));
  EXPECT_EQ(reader.next().value()->path, "cmdline");
  const auto init = reader.next().value();
  EXPECT_EQ(init->path, "init");
  EXPECT_EQ(init->mode, 0100755U);
  EXPECT_EQ(reader.next().value(), std::nullopt);
}

}  // namespace
}  // namespace cages::image
