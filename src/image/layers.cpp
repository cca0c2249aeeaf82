// SPDX-License-Identifier: Apache-2.0
#include "image/layers.h"

#include <algorithm>

#include "base/check.h"
#include "base/limits.h"
#include "base/text.h"

namespace cages::image {
namespace {

constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kWhiteoutMeta = ".wh..wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";

std::unexpected<Error> refuse_entry(std::string_view path, std::string expected, std::string got) {
  return fail(Code::IMAGE_ENTRY, printable(path, 200), std::move(expected), std::move(got));
}

std::string_view base_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string_view name_of(LayerKind kind) {
  switch (kind) {
    case LayerKind::character_device: return "a character device";
    case LayerKind::block_device: return "a block device";
    case LayerKind::fifo: return "a FIFO";
    default: return "something else";
  }
}

// An id of (uid_t)-1 means "no change" to chown.
Result<std::uint32_t> owner(std::string_view path, std::int64_t id) {
  if (id < 0 || id > 0xffff'fffe) return refuse_entry(path, "an owner from 0 to 4294967294", std::to_string(id));
  return static_cast<std::uint32_t>(id);
}

class Applier {
 public:
  Applier(Tree& tree, LayerReader& reader, const Blob& blob, std::uint16_t number, LayerContext& context)
      : tree_(tree), reader_(reader), blob_(blob), number_(number), context_(context) {}

  Result<void> apply(const LayerEntry& entry) {
    TRY_ASSIGN(const std::string path, layer_path(entry.path));
    const std::string_view name = base_name(path);
    if (name.starts_with(kWhiteout)) return whiteout(path, name);
    if (entry.has_capabilities) ++context_.left_out.capabilities;
    Node node;
    node.layer = number_;
    node.permissions = entry.permissions;
    TRY_ASSIGN(node.uid, owner(path, entry.uid));
    TRY_ASSIGN(node.gid, owner(path, entry.gid));
    switch (entry.kind) {
      case LayerKind::directory: return tree_.put(path, std::move(node));
      case LayerKind::symlink: return symlink(path, entry, std::move(node));
      case LayerKind::hard_link: return hard_link(path, entry);
      case LayerKind::file: return file(path, entry, std::move(node));
      default: return special(path, entry.kind);
    }
  }

 private:
  Result<void> whiteout(std::string_view path, std::string_view name) {
    const std::string_view folder = parent_path(path);
    if (name == kOpaque) {
      tree_.remove_children(folder, number_);
      return {};
    }
    if (name.starts_with(kWhiteoutMeta)) return {};  // bookkeeping of old storage drivers
    const std::string_view victim = name.substr(kWhiteout.size());
    // ".wh..." would name the parent's parent.
    if (victim.empty() || victim == "." || victim == "..") {
      return fail(Code::IMAGE_PATH, printable(path, 200), "the name of a sibling after .wh.", printable(victim));
    }
    tree_.remove(folder.empty() ? std::string(victim) : std::string(folder) + '/' + std::string(victim), number_);
    return {};
  }

  Result<void> special(std::string_view path, LayerKind kind) {
    if (path.starts_with("dev/")) {
      ++context_.left_out.device_entries;
      return {};
    }
    return refuse_entry(path, "a file, directory or link", std::string(name_of(kind)));
  }

  Result<void> symlink(std::string_view path, const LayerEntry& entry, Node node) {
    // The target is content: whatever it says, nothing here follows it.
    if (entry.target.empty()) return refuse_entry(path, "a symlink with a target", "none");
    if (entry.target.size() > limits::kImagePathBytesMax) {
      return fail(Code::IMAGE_LIMIT, printable(path, 200), "a target of at most 4095 bytes",
                  std::to_string(entry.target.size()));
    }
    node.kind = NodeKind::symlink;
    node.permissions = 0777;
    node.target = entry.target;
    return tree_.put(path, std::move(node));
  }

  Result<void> hard_link(std::string_view path, const LayerEntry& entry) {
    TRY_ASSIGN(const std::string target, layer_path(entry.target));
    const Node* first = tree_.find(target);
    if (first == nullptr) return refuse_entry(path, "a hard link to an entry before it", printable(target, 200));
    if (first->kind == NodeKind::directory) return refuse_entry(path, "a hard link to a file", "one to a directory");
    Node node = *first;
    node.layer = number_;
    return tree_.put(path, std::move(node));
  }

  Result<void> file(std::string_view path, const LayerEntry& entry, Node node) {
    if (entry.size > limits::kImageFileBytesMax) {
      return fail(Code::IMAGE_LIMIT, printable(path, 200), "a file below 4 GiB", std::to_string(entry.size) + " bytes");
    }
    context_.content_bytes += entry.size;
    if (context_.content_bytes > limits::kImageContentBytesMax) {
      return fail(Code::IMAGE_LIMIT, "content", "at most " + std::to_string(limits::kImageContentBytesMax) + " bytes",
                  "more");
    }
    TRY(check_holes(path, entry));
    node.kind = NodeKind::file;
    node.file = std::make_shared<File>();
    node.file->permissions = node.permissions;
    node.file->uid = node.uid;
    node.file->gid = node.gid;
    TRY_ASSIGN(node.file->content, content(path, entry));
    return tree_.put(path, std::move(node));
  }

  // A few bytes of archive can claim a file full of holes, which costs its whole size in the ramdisk.
  Result<void> check_holes(std::string_view path, const LayerEntry& entry) const {
    const bool within =
        entry.size <= limits::kImageRatioFreeBytes || entry.size / limits::kImageCompressionRatioMax <= blob_.size;
    if (within) return {};
    return fail(Code::IMAGE_LIMIT, printable(path, 200),
                "at most " + std::to_string(limits::kImageCompressionRatioMax) + " bytes from each byte of a layer",
                "a file of " + std::to_string(entry.size) + " bytes");
  }

  Result<Content> content(std::string_view path, const LayerEntry& entry) {
    if (entry.size == 0) return Content();
    if (entry.content_offset) return Content(Blob{blob_.file, blob_.offset + *entry.content_offset, entry.size});
    Content run(context_.spool, context_.spool->reserve(entry.size), entry.size);
    const std::uint64_t start = run.spool_offset();
    for (;;) {
      TRY_ASSIGN(const std::optional<LayerPiece> piece, reader_.read());
      if (!piece) return run;
      if (piece->offset > entry.size || piece->bytes.size() > entry.size - piece->offset) {
        return refuse_entry(path, std::to_string(entry.size) + " bytes", "more");
      }
      TRY(context_.spool->write_at(start + piece->offset, piece->bytes));
    }
  }

  Tree& tree_;
  LayerReader& reader_;
  const Blob& blob_;
  std::uint16_t number_;
  LayerContext& context_;
};

}  // namespace

Result<std::string> layer_path(std::string_view name) {
  const auto outside = [&](std::string got) {
    return fail(Code::IMAGE_PATH, printable(name, 200), "a path inside the image", std::move(got));
  };
  if (!CAGES_CHECK("IMAGE_PATH absolute", !name.starts_with('/'))) return outside("an absolute path");
  if (name.size() > limits::kImagePathBytesMax || name.find('\0') != std::string_view::npos) {
    return fail(Code::IMAGE_LIMIT, printable(name, 200), "a path of at most 4095 bytes", std::to_string(name.size()));
  }
  std::string path;
  std::size_t depth = 0;
  for (const std::string_view part : split(name, '/')) {
    if (part.empty() || part == ".") continue;
    if (!CAGES_CHECK("IMAGE_PATH parent", part != "..")) return outside("one with \"..\"");
    if (++depth > limits::kImageDepthMax || part.size() > limits::kImageNameBytesMax) {
      return fail(Code::IMAGE_LIMIT, printable(name, 200), "at most 256 components of at most 255 bytes", "more");
    }
    if (!path.empty()) path += '/';
    path += part;
  }
  return path;
}

Result<void> apply_layer(Tree& tree, LayerReader& reader, const Blob& blob, std::uint16_t number,
                         LayerContext& context) {
  Applier applier(tree, reader, blob, number, context);
  for (;;) {
    TRY_ASSIGN(const std::optional<LayerEntry> entry, reader.next());
    if (!entry) return {};
    TRY(applier.apply(*entry));
  }
}

}  // namespace cages::image
