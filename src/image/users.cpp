// SPDX-License-Identifier: Apache-2.0
#include "image/users.h"

#include <algorithm>
#include <charconv>

#include "base/limits.h"
#include "base/text.h"

namespace cages::image {
namespace {

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && value != 0xffff'ffff ? std::optional(value) : std::nullopt;
}

using Lines = std::vector<std::vector<std::string_view>>;

Lines fields_of(std::string_view file, std::size_t least) {
  Lines lines;
  for (const std::string_view line : split(file, '\n')) {
    auto fields = split(line, ':');
    if (fields.size() >= least && !fields[0].empty()) lines.push_back(std::move(fields));
  }
  return lines;
}

std::unexpected<Error> unknown(std::string_view what, std::string_view name) {
  return fail(Code::IMAGE_CONFIG, "user", "a " + std::string(what) + " that the image knows, or a number",
              printable(name));
}

}  // namespace

Result<std::optional<std::string>> read_tree_file(const Tree& tree, std::string_view path, std::size_t bytes_max) {
  const auto at = tree.resolve(path);
  const Node* node = at ? tree.find(*at) : nullptr;
  if (node == nullptr || node->kind != NodeKind::file) return std::optional<std::string>();
  if (node->file->content.size() > bytes_max) {
    return fail(Code::IMAGE_LIMIT, std::string(path), "at most " + std::to_string(bytes_max) + " bytes", "more");
  }
  std::string text(static_cast<std::size_t>(node->file->content.size()), '\0');
  const std::span<Byte> into(reinterpret_cast<Byte*>(text.data()), text.size());
  TRY_ASSIGN(const std::size_t got, fill(node->file->content.source(), into));
  text.resize(got);
  return std::optional(std::move(text));
}

Result<ResolvedUser> resolve_user(const Tree& tree, std::string_view text) {
  TRY_ASSIGN(const auto passwd_text, read_tree_file(tree, "etc/passwd", limits::kImageUserFileBytesMax));
  TRY_ASSIGN(const auto group_text, read_tree_file(tree, "etc/group", limits::kImageUserFileBytesMax));
  const Lines passwd = fields_of(passwd_text ? *passwd_text : std::string_view(), 4);
  const Lines groups = fields_of(group_text ? *group_text : std::string_view(), 3);
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  const std::string_view group = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);

  ResolvedUser out;
  const auto asked = name.empty() ? std::optional<std::uint32_t>(0) : number(name);
  // A name first, then a number: a user may be called "1000".
  auto row = std::ranges::find_if(passwd, [&](const auto& fields) { return !name.empty() && fields[0] == name; });
  if (row == passwd.end() && asked) {
    row = std::ranges::find_if(passwd, [&](const auto& fields) { return number(fields[2]) == asked; });
  }
  std::string_view found;
  if (row != passwd.end() && number((*row)[2]) && number((*row)[3])) {
    out.user.uid = *number((*row)[2]);
    out.user.gid = *number((*row)[3]);
    if (row->size() > 5 && (*row)[5].starts_with('/')) out.home = (*row)[5];
    found = (*row)[0];
  } else if (asked) {
    out.user.uid = *asked;
  } else {
    return unknown("user", name);
  }
  if (!group.empty()) {
    const auto line = std::ranges::find_if(groups, [&](const auto& fields) { return fields[0] == group; });
    const auto gid = line != groups.end() ? number((*line)[2]) : number(group);
    if (!gid) return unknown("group", group);
    out.user.gid = *gid;
    return out;
  }
  for (const auto& fields : groups) {
    if (found.empty() || fields.size() < 4 || !number(fields[2]) || *number(fields[2]) == out.user.gid) continue;
    const auto members = split(fields[3], ',');
    if (std::ranges::find(members, found) != members.end()) out.user.groups.push_back(*number(fields[2]));
  }
  std::ranges::sort(out.user.groups);
  out.user.groups.erase(std::ranges::unique(out.user.groups).begin(), out.user.groups.end());
  if (out.user.groups.size() > limits::kManifestGroupsMax) {
    return fail(Code::IMAGE_CONFIG, "user", "at most 64 groups", std::to_string(out.user.groups.size()));
  }
  return out;
}

}  // namespace cages::image
