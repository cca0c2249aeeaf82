// SPDX-License-Identifier: Apache-2.0
#include "image/tree.h"

#include <set>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/text.h"

namespace cages::image {
namespace {

constexpr int kSymlinksMax = 40;  // as the kernel's own MAXSYMLINKS

// The names below "a" are those from "a/" up to, not including, "a0": '0' follows '/'.
template <class Nodes>
auto below(Nodes& nodes, std::string_view path) {
  if (path.empty()) return std::pair(nodes.begin(), nodes.end());
  return std::pair(nodes.lower_bound(std::string(path) + '/'), nodes.lower_bound(std::string(path) + '0'));
}

template <class Nodes>
bool anything_below(Nodes& nodes, std::string_view path) {
  const auto [first, last] = below(nodes, path);
  return first != last;
}

std::unexpected<Error> twice(std::string_view path) {
  return fail(Code::IMAGE_ENTRY, printable(path, 200), "each path once in a layer", "it twice");
}

}  // namespace

std::string_view parent_path(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

const Node* Tree::find(std::string_view path) const {
  if (path.empty()) return &root_;
  const auto found = nodes_.find(path);
  return found == nodes_.end() ? nullptr : &found->second;
}

Result<void> Tree::count(std::string_view path, const Node& node) {
  if (nodes_.size() >= limits::kImageEntriesMax) {
    return fail(Code::IMAGE_LIMIT, "entries", "at most " + std::to_string(limits::kImageEntriesMax), "more");
  }
  path_bytes_ += path.size() + node.target.size();
  if (path_bytes_ > limits::kImagePathBytesTotalMax) {
    return fail(Code::IMAGE_LIMIT, "path bytes", "at most " + std::to_string(limits::kImagePathBytesTotalMax), "more");
  }
  return {};
}

Result<void> Tree::put_parents(std::string_view path, std::uint16_t layer) {
  const std::string_view parent = parent_path(path);
  if (parent.empty() || parent == checked_parent_) return {};
  std::vector<std::string_view> missing;
  for (std::string_view at = parent; !at.empty(); at = parent_path(at)) {
    const Node* node = find(at);
    if (node != nullptr && node->kind == NodeKind::directory) break;
    if (node != nullptr) {
      // Container tools disagree here: one follows the link, another hides it under a directory. We do neither.
      return fail(Code::IMAGE_PATH, printable(path, 200), "parents that are directories",
                  printable(at, 200) +
                      (node->kind == NodeKind::file ? " is a file" : " is a symlink to " + printable(node->target)));
    }
    missing.push_back(at);
  }
  for (auto at = missing.rbegin(); at != missing.rend(); ++at) {
    Node implied;
    implied.implied = true;
    implied.layer = layer;
    TRY(count(*at, implied));
    nodes_.emplace(*at, std::move(implied));
  }
  checked_parent_ = parent;
  return {};
}

Result<void> Tree::replace(Node& old, std::string_view path, Node node) {
  const bool same_layer = old.layer == node.layer;
  if (old.kind == NodeKind::directory && node.kind == NodeKind::directory) {
    old = std::move(node);
    return {};
  }
  if (same_layer) return twice(path);
  if (old.kind == NodeKind::directory) {
    erase_below(path, node.layer);
    if (anything_below(nodes_, path)) return twice(path);
    checked_parent_.clear();
  }
  path_bytes_ += node.target.size();
  old = std::move(node);
  return {};
}

Result<void> Tree::put(std::string_view path, Node node) {
  if (path.empty()) {
    if (node.kind != NodeKind::directory) return fail(Code::IMAGE_PATH, "/", "a directory", "something else");
    root_ = std::move(node);
    return {};
  }
  TRY(put_parents(path, node.layer));
  const auto found = nodes_.find(path);
  if (found != nodes_.end()) return replace(found->second, path, std::move(node));
  TRY(count(path, node));
  nodes_.emplace(path, std::move(node));
  return {};
}

void Tree::erase_below(std::string_view path, std::uint16_t layer) {
  const auto [first, last] = below(nodes_, path);
  if (first == last) return;
  checked_parent_.clear();
  // From the end, so that a directory is looked at after all that is in it ("a-b" lies between "a" and "a/b").
  auto at = last;
  for (bool done = false; !done;) {
    --at;
    done = at == first;
    const bool needed = at->second.kind == NodeKind::directory && anything_below(nodes_, at->first);
    if (at->second.layer != layer && !needed) at = nodes_.erase(at);
  }
}

void Tree::remove_children(std::string_view path, std::uint16_t layer) { erase_below(path, layer); }

void Tree::remove(std::string_view path, std::uint16_t layer) {
  const auto found = nodes_.find(path);
  if (found == nodes_.end() || path.empty()) return;
  erase_below(path, layer);
  if (found->second.layer == layer || anything_below(nodes_, path)) return;
  nodes_.erase(found);
  checked_parent_.clear();
}

std::optional<std::string> Tree::resolve(std::string_view path) const {
  std::vector<std::string> left;  // components still to walk, last first
  const auto push = [&](std::string_view text) {
    const auto parts = split(text, '/');
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) left.emplace_back(*part);
  };
  push(path);
  std::string at;
  int symlinks = 0;
  while (!left.empty()) {
    const std::string part = std::move(left.back());
    left.pop_back();
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      at = parent_path(at);
      continue;
    }
    const std::string next = at.empty() ? part : at + '/' + part;
    const Node* node = find(next);
    if (node == nullptr || next.size() > limits::kImagePathBytesMax) return std::nullopt;
    if (node->kind == NodeKind::symlink) {
      if (++symlinks > kSymlinksMax) return std::nullopt;
      if (node->target.starts_with('/')) at.clear();
      push(node->target);
      continue;
    }
    if (node->kind == NodeKind::file && !left.empty()) return std::nullopt;
    at = next;
  }
  return at;
}

std::uint64_t Tree::content_bytes() const {
  std::uint64_t bytes = 0;
  std::set<const File*> shared;
  for (const auto& [path, node] : nodes_) {
    if (node.file && (node.file.use_count() == 1 || shared.insert(node.file.get()).second))
      bytes += node.file->content.size();
  }
  return bytes;
}

}  // namespace cages::image
