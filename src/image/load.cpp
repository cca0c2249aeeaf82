// SPDX-License-Identifier: Apache-2.0
#include "image/load.h"

#include <algorithm>
#include <map>

#include "base/check.h"
#include "base/limits.h"
#include "base/text.h"

namespace cages::image {
namespace {

constexpr std::size_t kDockerEntriesMax = 4096;  // three a layer, and a few

struct Layer {
  Blob blob;
  std::optional<Digest> digest;   // of the blob
  std::optional<Digest> diff_id;  // of the tar archive in it
};

Result<void> apply_layers(const std::vector<Layer>& layers, const LoadOptions& options, Image& image) {
  LayerContext context;
  TRY_ASSIGN(context.spool, Spool::in(options.spool_folder));
  std::uint64_t total = 0;
  for (const Layer& layer : layers) total += layer.blob.size;
  if (options.total) options.total(total);
  std::uint16_t number = 0;
  for (const Layer& layer : layers) {
    TRY_ASSIGN(const auto reader, LayerReader::open(layer.blob, options.progress));
    TRY(apply_layer(image.tree, *reader, layer.blob, number, context));
    TRY_ASSIGN(const std::string got, reader->finish());
    const auto check = [&](const std::optional<Digest>& expected) -> Result<void> {
      if (!expected || CAGES_CHECK("IMAGE_DIGEST", expected->hex == got)) return {};
      return fail(Code::IMAGE_DIGEST, "layer " + std::to_string(number), "sha256:" + expected->hex, "sha256:" + got);
    };
    TRY(check(layer.digest));
    if (!reader->compressed()) TRY(check(layer.diff_id));
    ++number;
  }
  image.left_out = context.left_out;
  return {};
}

Result<void> check_config(const ImageConfig& config, std::size_t layers, const std::string& architecture) {
  if (!config.os.empty() && config.os != "linux") return fail(Code::IMAGE, "os", "linux", printable(config.os));
  if (!config.architecture.empty() && config.architecture != architecture) {
    return fail(Code::IMAGE, "architecture", architecture + ", which is the runtime's (--runtime takes another)",
                printable(config.architecture));
  }
  if (config.diff_ids.empty() || config.diff_ids.size() == layers) return {};
  return fail(Code::IMAGE, "diff_ids", std::to_string(layers) + ", one a layer",
              std::to_string(config.diff_ids.size()));
}

class OciLayout {
 public:
  explicit OciLayout(std::filesystem::path folder) : folder_(std::move(folder)) {}

  Result<Blob> blob(const Descriptor& descriptor) const {
    TRY_ASSIGN(Blob blob, open_blob(folder_ / "blobs" / "sha256" / descriptor.digest.hex));
    if (blob.size != descriptor.size) {
      return fail(Code::IMAGE_DIGEST, "sha256:" + descriptor.digest.hex, std::to_string(descriptor.size) + " bytes",
                  std::to_string(blob.size));
    }
    return blob;
  }

  Result<Bytes> document(const Descriptor& descriptor, std::string_view what) const {
    TRY_ASSIGN(const Blob file, blob(descriptor));
    TRY_ASSIGN(Bytes content, read_blob(file, limits::kImageJsonBytesMax));
    TRY(check_digest(content, descriptor.digest, what));
    return content;
  }

  Result<Bytes> top(std::string_view name) const {
    TRY_ASSIGN(const Blob file, open_blob(folder_ / name));
    return read_blob(file, limits::kImageJsonBytesMax);
  }

  Result<OciManifest> manifest(std::string_view architecture) const {
    TRY_ASSIGN(const Bytes layout, top("oci-layout"));
    if (as_text(layout).find("\"1.0.") == std::string_view::npos) {
      return fail(Code::IMAGE, "oci-layout", "version 1.0", printable(as_text(layout)));
    }
    TRY_ASSIGN(Bytes index, top("index.json"));
    for (int depth = 0; depth < 3; ++depth) {
      TRY_ASSIGN(const std::vector<Descriptor> list, parse_index(index));
      TRY_ASSIGN(const Descriptor chosen, choose_manifest(list, architecture));
      TRY_ASSIGN(Bytes content, document(chosen, "manifest"));
      if (!chosen.is_index()) return parse_oci_manifest(content);
      index = std::move(content);
    }
    return fail(Code::IMAGE, "index", "at most 3 levels", "more");
  }

 private:
  std::filesystem::path folder_;
};

// The entries of a `docker save` archive by name; links lead to other entries of it.
class DockerArchive {
 public:
  static Result<DockerArchive> open(const std::filesystem::path& file) {
    DockerArchive archive;
    TRY_ASSIGN(archive.blob_, open_blob(file));
    TRY_ASSIGN(const std::vector<LayerEntry> entries, list_archive(archive.blob_, kDockerEntriesMax));
    for (const LayerEntry& entry : entries) {
      TRY_ASSIGN(std::string name, layer_path(entry.path));
      archive.entries_.insert_or_assign(std::move(name), entry);
    }
    return archive;
  }

  Result<Blob> find(std::string_view name) const {
    TRY_ASSIGN(std::string at, layer_path(name));
    for (int links = 0; links < 4; ++links) {
      const auto found = entries_.find(at);
      if (found == entries_.end()) return fail(Code::IMAGE, printable(at, 200), "an entry of the archive", "none");
      const LayerEntry& entry = found->second;
      if (entry.kind == LayerKind::symlink) {
        TRY_ASSIGN(at, join(parent_path(at), entry.target));
        continue;
      }
      if (entry.kind == LayerKind::hard_link) {
        TRY_ASSIGN(at, layer_path(entry.target));
        continue;
      }
      if (entry.size == 0 && entry.kind == LayerKind::file) return Blob{blob_.file, 0, 0};
      if (!entry.content_offset) return fail(Code::IMAGE, printable(at, 200), "a plain file", "another entry");
      return Blob{blob_.file, blob_.offset + *entry.content_offset, entry.size};
    }
    return fail(Code::IMAGE, printable(name, 200), "a file", "a chain of links");
  }

 private:
  // "../ID/layer.tar" beside "OTHER/layer.tar", as old versions of Docker write it.
  static Result<std::string> join(std::string_view folder, std::string_view target) {
    while (target.starts_with("../") && !folder.empty()) {
      target.remove_prefix(3);
      folder = parent_path(folder);
    }
    return layer_path(folder.empty() ? std::string(target) : std::string(folder) + '/' + std::string(target));
  }

  Blob blob_;
  std::map<std::string, LayerEntry, std::less<>> entries_;
};

// "HEX.json" or "blobs/sha256/HEX": the name is the digest.
std::optional<Digest> digest_in(std::string_view name) {
  if (const std::size_t slash = name.rfind('/'); slash != std::string_view::npos) name.remove_prefix(slash + 1);
  if (name.ends_with(".json")) name.remove_suffix(5);
  const auto digest = parse_digest("sha256:" + std::string(name));
  return digest ? std::optional(*digest) : std::nullopt;
}

}  // namespace

Result<Image> load_oci_layout(const std::filesystem::path& folder, const LoadOptions& options) {
  const OciLayout layout(folder);
  TRY_ASSIGN(const OciManifest manifest, layout.manifest(options.architecture));
  Image image;
  TRY_ASSIGN(const Bytes config, layout.document(manifest.config, "config"));
  TRY_ASSIGN(image.config, parse_image_config(config));
  TRY(check_config(image.config, manifest.layers.size(), options.architecture));
  std::vector<Layer> layers;
  for (std::size_t i = 0; i < manifest.layers.size(); ++i) {
    TRY_ASSIGN(Blob blob, layout.blob(manifest.layers[i]));
    Layer layer{std::move(blob), manifest.layers[i].digest, std::nullopt};
    if (!image.config.diff_ids.empty()) layer.diff_id = image.config.diff_ids[i];
    layers.push_back(std::move(layer));
  }
  TRY(apply_layers(layers, options, image));
  return image;
}

Result<Image> load_docker_archive(const std::filesystem::path& file, const LoadOptions& options) {
  TRY_ASSIGN(const DockerArchive archive, DockerArchive::open(file));
  TRY_ASSIGN(const Blob list, archive.find("manifest.json"));
  TRY_ASSIGN(const Bytes list_json, read_blob(list, limits::kImageJsonBytesMax));
  TRY_ASSIGN(const DockerManifest manifest, parse_docker_manifest(list_json));
  TRY_ASSIGN(const Blob config, archive.find(manifest.config));
  TRY_ASSIGN(const Bytes config_json, read_blob(config, limits::kImageJsonBytesMax));
  if (const auto digest = digest_in(manifest.config)) TRY(check_digest(config_json, *digest, "config"));
  Image image;
  TRY_ASSIGN(image.config, parse_image_config(config_json));
  TRY(check_config(image.config, manifest.layers.size(), options.architecture));
  if (image.config.diff_ids.size() != manifest.layers.size()) {
    return fail(Code::IMAGE, "diff_ids", "one a layer: nothing else says what the layers are", "none");
  }
  std::vector<Layer> layers;
  for (std::size_t i = 0; i < manifest.layers.size(); ++i) {
    TRY_ASSIGN(Blob blob, archive.find(manifest.layers[i]));
    layers.push_back(Layer{std::move(blob), std::nullopt, image.config.diff_ids[i]});
  }
  TRY(apply_layers(layers, options, image));
  return image;
}

}  // namespace cages::image
