// SPDX-License-Identifier: Apache-2.0
#include "machine/cgroups.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/file.h"
#include "base/text.h"

namespace cages::machine {
namespace {

constexpr std::size_t kTableBytesMax = 4 * 1024 * 1024;
constexpr std::array<std::string_view, 3> kControllers{"memory", "pids", "cpu"};

std::string text_of(const std::filesystem::path& path) {
  const auto content = read_file(path, kTableBytesMax);
  return content ? std::string(as_text(*content)) : std::string();
}

std::vector<std::string> strings(std::string_view text, char separator) {
  std::vector<std::string> out;
  for (const auto part : split(trim(text), separator)) {
    if (!part.empty()) out.emplace_back(part);
  }
  return out;
}

bool contains(const std::vector<std::string>& list, std::string_view name) {
  return std::ranges::find(list, name) != list.end();
}

// mountinfo writes space, tab, newline and backslash as \ooo.
std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    if (text[i] == '\\' && i + 3 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 4, value, 8).ptr == text.data() + i + 4) {
      out.push_back(static_cast<char>(value));
      i += 3;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

// The folder of our own group as this mount shows it; none where the mount does not reach it.
std::optional<std::filesystem::path> own_folder(const CgroupMount& mount, const std::string& path) {
  const auto inside = std::filesystem::path(path).lexically_relative(mount.root);
  if (inside.empty() || *inside.begin() == "..") return std::nullopt;
  return (mount.at / inside).lexically_normal();
}

bool writable(const std::filesystem::path& folder) { return ::access(folder.c_str(), W_OK | X_OK) == 0; }

std::vector<std::string> known(const std::vector<std::string>& controllers) {
  std::vector<std::string> out;
  for (const auto name : kControllers) {
    if (contains(controllers, name)) out.emplace_back(name);
  }
  return out;
}

std::optional<Cgroups> find_v2(bool root, const std::vector<CgroupMount>& mounts, const std::vector<CgroupMembership>& own) {
  const auto mount = std::ranges::find(mounts, "cgroup2", &CgroupMount::type);
  const auto member = std::ranges::find(own, 0U, &CgroupMembership::hierarchy);
  if (mount == mounts.end() || member == own.end()) return std::nullopt;
  // Root makes its groups at the top, which alone may hold both processes and groups with limits. A user can do so only beside
  // the group that its session manager put it in (cgroup-v2.rst, "No Internal Process Constraint").
  std::filesystem::path parent = mount->at;
  if (!root) {
    const auto folder = own_folder(*mount, member->path);
    if (!folder || *folder == mount->at) return std::nullopt;
    parent = folder->parent_path();
  }
  const auto controllers = known(strings(text_of(parent / (root ? "cgroup.controllers" : "cgroup.subtree_control")), ' '));
  if (!contains(controllers, "memory") || !contains(controllers, "pids") || !writable(parent)) return std::nullopt;
  if (!root && ::access((parent / "cgroup.procs").c_str(), W_OK) != 0) return std::nullopt;
  return Cgroups{CgroupVersion::v2, {{controllers, parent}}, {}};
}

std::optional<Cgroups> find_v1(const std::vector<CgroupMount>& mounts, const std::vector<CgroupMembership>& own) {
  Cgroups result{CgroupVersion::v1, {}, {}};
  for (const auto& mount : mounts) {
    if (mount.type != "cgroup") continue;
    const auto controllers = known(mount.options);
    // A hierarchy may be mounted more than once; one group in it is enough.
    if (controllers.empty() || result.limits(controllers[0])) continue;
    const auto is_of = [&](const CgroupMembership& m) { return contains(m.controllers, controllers[0]); };
    const auto member = std::ranges::find_if(own, is_of);
    if (member == own.end()) continue;
    const auto folder = own_folder(mount, member->path);
    if (folder && writable(*folder)) result.places.push_back({controllers, *folder});
  }
  if (!result.limits("memory") || !result.limits("pids")) return std::nullopt;
  return result;
}

}  // namespace

std::string_view name_of(CgroupVersion version) {
  switch (version) {
    case CgroupVersion::none: return "none";
    case CgroupVersion::v1: return "v1";
    case CgroupVersion::v2: return "v2";
  }
  return "none";
}

bool Cgroups::limits(std::string_view controller) const {
  return std::ranges::any_of(places, [&](const CgroupPlace& place) { return contains(place.controllers, controller); });
}

std::vector<CgroupMount> parse_mounts(std::string_view mountinfo) {
  std::vector<CgroupMount> out;
  for (const auto line : split(mountinfo, '\n')) {
    const auto words = split(line, ' ');
    const auto dash = std::ranges::find(words, "-");
    if (words.size() < 6 || words.end() - dash < 4) continue;
    const auto type = *(dash + 1);
    if (type != "cgroup" && type != "cgroup2") continue;
    out.push_back({std::string(type), unescape(words[3]), unescape(words[4]), strings(*(dash + 3), ',')});
  }
  return out;
}

std::vector<CgroupMembership> parse_membership(std::string_view text) {
  std::vector<CgroupMembership> out;
  for (const auto line : split(text, '\n')) {
    const auto first = line.find(':');
    const auto second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    CgroupMembership member;
    // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): the end is given
    if (std::from_chars(line.data(), line.data() + first, member.hierarchy).ptr != line.data() + first) continue;
    member.controllers = strings(line.substr(first + 1, second - first - 1), ',');
    member.path = std::string(line.substr(second + 1));
    out.push_back(std::move(member));
  }
  return out;
}

Cgroups find_cgroups(bool root, const Places& places) {
  const auto mounts = parse_mounts(text_of(places.proc / "self/mountinfo"));
  const auto own = parse_membership(text_of(places.proc / "self/cgroup"));
  if (auto v2 = find_v2(root, mounts, own)) return *v2;
  if (auto v1 = find_v1(mounts, own)) return *v1;
  Cgroups none;
  none.why_not = mounts.empty() ? "no control group file system is mounted"
                                : "this user may not make control groups with memory and pids limits here";
  return none;
}

}  // namespace cages::machine
