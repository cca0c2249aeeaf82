// SPDX-License-Identifier: Apache-2.0
#include "image/ramdisk.h"

#include <map>
#include <utility>

#include "wire/manifest.h"

namespace cages::image {
namespace {

constexpr std::string_view kManifestFolder = "cage";

std::string in_rootfs(std::string_view path) { return std::string(kRootfsFolder) + '/' + std::string(path); }

// How many names of each shared file the tree holds, and the first that was written.
struct Names {
  std::uint32_t count = 0;
  std::string first;
};
using SharedFiles = std::map<const File*, Names>;

SharedFiles shared_files(const Tree& tree) {
  SharedFiles shared;
  for (const auto& [path, node] : tree.nodes()) {
    if (node.file && node.file.use_count() > 1) ++shared[node.file.get()].count;
  }
  return shared;
}

Result<void> write_file_node(CpioWriter& out, const std::string& path, const Node& node, SharedFiles& shared) {
  const File& file = *node.file;
  const auto found = shared.find(&file);
  if (found != shared.end() && !found->second.first.empty()) return out.link(path, found->second.first);
  std::uint32_t names = 1;
  if (found != shared.end()) {
    found->second.first = path;
    names = found->second.count;
  }
  return out.file(path, file.permissions, file.uid, file.gid, file.content.size(), file.content.source(), names);
}

Result<void> write_node(CpioWriter& out, const std::string& path, const Node& node, SharedFiles& shared) {
  switch (node.kind) {
    case NodeKind::directory: return out.directory(path, node.permissions, node.uid, node.gid);
    case NodeKind::symlink: return out.symlink(path, node.target, node.uid, node.gid);
    case NodeKind::file: return write_file_node(out, path, node, shared);
  }
  std::unreachable();
}

}  // namespace

Result<void> write_runtime_ramdisk(const Content& runtime, std::string_view cmdline, const Sink& sink) {
  CpioWriter out(sink);
  TRY(out.file("cmdline", 0444, 0, 0, cmdline.size(), source_of(as_bytes(cmdline))));
  TRY(out.file("init", 0755, 0, 0, runtime.size(), runtime.source()));
  return out.finish();
}

Result<void> write_app_ramdisk(const Tree& tree, ByteView manifest, const Sink& sink) {
  CpioWriter out(sink);
  TRY(out.directory(kManifestFolder, 0755, 0, 0));
  TRY(out.file(wire::kManifestPath, 0444, 0, 0, manifest.size(), source_of(manifest)));
  TRY(out.directory(kRootfsFolder, tree.root().permissions, tree.root().uid, tree.root().gid));
  SharedFiles shared = shared_files(tree);
  for (const auto& [path, node] : tree.nodes()) TRY(write_node(out, in_rootfs(path), node, shared));
  return out.finish();
}

}  // namespace cages::image
