// SPDX-License-Identifier: Apache-2.0
// Container images on disk, made from layers in memory, wrong ones too; and trees as text. For tests of image/.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>

#include "crypto/hash.h"
#include "image/load.h"
#include "support/tar.h"

namespace cages::testing {

// A folder that goes with its object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "cages-test-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline void write_text(const std::filesystem::path& path, ByteView content) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
}

// Writes one image in OCI layout form.
class OciImage {
 public:
  explicit OciImage(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // descriptor writes a blob and returns its descriptor in JSON.
  std::string descriptor(ByteView content, std::string_view media_type) {
    const std::string digest = hex(crypto::sha256(content));
    write_text(folder_ / "blobs/sha256" / digest, content);
    return R"({"mediaType":")" + std::string(media_type) + R"(","digest":"sha256:)" + digest + R"(","size":)" +
           std::to_string(content.size()) + "}";
  }

  void write(const std::vector<Bytes>& layers, const std::string& config = R"({"architecture":"amd64","os":"linux"})") {
    std::string list;
    for (const Bytes& layer : layers) {
      list += (list.empty() ? "" : ",") + descriptor(layer, "application/vnd.oci.image.layer.v1.tar");
    }
    const std::string manifest = R"({"schemaVersion":2,"config":)" +
                                 descriptor(as_bytes(config), "application/vnd.oci.image.config.v1+json") +
                                 R"(,"layers":[)" + list + "]}";
    index("[" + descriptor(as_bytes(manifest), "application/vnd.oci.image.manifest.v1+json") + "]");
  }

  void index(const std::string& manifests) {
    write_text(folder_ / "oci-layout", as_bytes(R"({"imageLayoutVersion":"1.0.0"})"));
    write_text(folder_ / "index.json", as_bytes(R"({"schemaVersion":2,"manifests":)" + manifests + "}"));
  }

 private:
  std::filesystem::path folder_;
};

// text_of_tree: one line a node: path, type and mode, owner, content or target; "=N" marks shared files.
inline std::string text_of_tree(const image::Tree& tree) {
  std::string out;
  std::map<const image::File*, int> shared;
  for (const auto& [path, node] : tree.nodes()) {
    char head[64];
    const char kind = node.kind == image::NodeKind::directory ? 'd' : node.kind == image::NodeKind::file ? '-' : 'l';
    const std::uint32_t mode = node.file ? node.file->permissions : node.permissions;
    std::snprintf(head, sizeof head, " %c%o %u:%u", kind, mode, node.file ? node.file->uid : node.uid,
                  node.file ? node.file->gid : node.gid);
    out += path + head;
    if (node.kind == image::NodeKind::symlink) out += " -> " + node.target;
    if (node.file) {
      Bytes content(static_cast<std::size_t>(std::min<std::uint64_t>(node.file->content.size(), 4096)));
      content.resize(image::fill(node.file->content.source(), content).value());
      out += " " + std::string(as_text(content));
      if (node.file.use_count() > 1) {
        const int number = shared.emplace(node.file.get(), static_cast<int>(shared.size())).first->second;
        out += " =" + std::to_string(number);
      }
    }
    out += '\n';
  }
  return out;
}

// load_layers puts layers into an OCI layout, loads it, and returns the image.
inline Result<image::Image> load_layers(const std::vector<Bytes>& layers,
                                        const std::string& config = R"({"os":"linux"})") {
  const TemporaryFolder folder;
  OciImage(folder.path()).write(layers, config);
  image::LoadOptions options;
  options.spool_folder = folder.path();
  return image::load_oci_layout(folder.path(), options);
}

}  // namespace cages::testing
