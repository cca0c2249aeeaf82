// SPDX-License-Identifier: Apache-2.0
// Tree: the file system of an image as values: names, modes, owners, link targets; contents stay in files. Nothing in
// it is ever followed or created on disk, so that no name can reach outside of it. For image/.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "image/spool.h"

namespace cages::image {

// A regular file; several nodes share one where the image has hard links.
struct File {
  std::uint32_t permissions = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  Content content;
};

enum class NodeKind : std::uint8_t { directory, file, symlink };

struct Node {
  NodeKind kind = NodeKind::directory;
  bool implied = false;     // a directory that only its children speak of
  std::uint16_t layer = 0;  // the layer that wrote it
  std::uint32_t permissions = 0755;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string target;          // symlink
  std::shared_ptr<File> file;  // file
};

class Tree {
 public:
  using Nodes = std::map<std::string, Node, std::less<>>;

  // Paths are clean and relative, "" is the root (layer_path in layers.h).
  //
  // put adds or replaces a node as layer `node.layer` says: a directory over a directory keeps the children; anything
  // else over a node of a lower layer replaces it with all that is below. IMAGE_ENTRY where the same layer wrote the
  // path before (two directories excepted) or something below it; IMAGE_PATH where a parent is a symlink or a file;
  // IMAGE_LIMIT.
  Result<void> put(std::string_view path, Node node);
  // remove takes out a path and all below that lower layers wrote; remove_children only what is below. Both keep what
  // `layer` itself wrote, and succeed where there is nothing.
  void remove(std::string_view path, std::uint16_t layer);
  void remove_children(std::string_view path, std::uint16_t layer);
  // find returns null where there is none. It follows nothing. lifetime: until the tree changes.
  [[nodiscard]] const Node* find(std::string_view path) const;
  // resolve follows symlinks as a process whose root this tree is would, at most 40 of them, and returns the clean path
  // of what it finds; nothing where that does not exist. `path` may be absolute.
  [[nodiscard]] std::optional<std::string> resolve(std::string_view path) const;

  [[nodiscard]] const Node& root() const { return root_; }
  // In ascending byte order of their paths; without the root.
  [[nodiscard]] const Nodes& nodes() const { return nodes_; }
  [[nodiscard]] std::uint64_t content_bytes() const;

 private:
  Result<void> put_parents(std::string_view path, std::uint16_t layer);
  Result<void> replace(Node& old, std::string_view path, Node node);
  Result<void> count(std::string_view path, const Node& node);
  void erase_below(std::string_view path, std::uint16_t layer);

  Node root_;
  Nodes nodes_;
  std::string checked_parent_;  // its parents and itself are directories: the next entry is often beside the last
  std::size_t path_bytes_ = 0;
};

// parent_path: "" for a name at the top.
std::string_view parent_path(std::string_view path);

}  // namespace cages::image
