// SPDX-License-Identifier: Apache-2.0
#include "machine/identity.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <charconv>

#include "base/file.h"
#include "base/text.h"

namespace cages::machine {
namespace {

constexpr std::size_t kTableBytesMax = 1024 * 1024;

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string text_of(const std::filesystem::path& path) {
  const auto content = read_file(path, kTableBytesMax);
  return content ? std::string(as_text(*content)) : std::string();
}

std::string user_name(uid_t uid) {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) return found->pw_name;
  return std::to_string(uid);
}

std::string find_program(const Places& places, std::string_view name) {
  for (const auto& folder : places.programs) {
    const auto path = folder / name;
    if (::access(path.c_str(), X_OK) == 0) return path.string();
  }
  return {};
}

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> out;
  for (const auto word : split(line, ' ')) {
    if (!trim(word).empty()) out.push_back(trim(word));
  }
  return out;
}

}  // namespace

std::string_view name_of(Mode mode) {
  switch (mode) {
    case Mode::root: return "root";
    case Mode::rootless: return "rootless";
    case Mode::single_id: return "single-id";
  }
  return "single-id";
}

std::optional<IdRange> parse_subid(std::string_view text, std::string_view user, uid_t uid, std::uint32_t least) {
  for (const auto line : split(text, '\n')) {
    const auto parts = split(trim(line), ':');
    if (parts.size() != 3) continue;
    if (parts[0] != user && parts[0] != std::to_string(uid)) continue;
    const auto first = number(parts[1]);
    const auto count = number(parts[2]);
    if (!first || !count || *count < least || *first > UINT32_MAX - *count) continue;
    // An id of 0 or the user's own in its range would make the map's lines overlap.
    if (*first == 0 || (*first <= uid && uid - *first < *count)) continue;
    return IdRange{*first, *count};
  }
  return std::nullopt;
}

bool maps_all(std::string_view uid_map, std::uint32_t first, std::uint32_t count) {
  for (const auto line : split(uid_map, '\n')) {
    const auto parts = words(line);
    if (parts.size() != 3) continue;
    const auto begin = number(parts[0]);
    const auto length = number(parts[2]);
    if (!begin || !length) continue;
    if (*begin <= first && std::uint64_t{*begin} + *length >= std::uint64_t{first} + count) return true;
  }
  return false;
}

Identity identify(const Places& places) {
  Identity result;
  result.uid = ::geteuid();
  result.gid = ::getegid();
  result.user = user_name(result.uid);
  if (result.uid == 0) {
    if (maps_all(text_of(places.proc / "self/uid_map"), kRootIdsFirst, kRootIdSlots * kImageIds)) {
      result.mode = Mode::root;
      return result;
    }
    result.lacking.emplace_back("root of a user namespace that lacks the ids enclaves are given");
  }
  result.newuidmap = find_program(places, "newuidmap");
  result.newgidmap = find_program(places, "newgidmap");
  if (result.newuidmap.empty() || result.newgidmap.empty()) {
    result.lacking.emplace_back("newuidmap and newgidmap: install the package uidmap");
  }
  // Id 0 of the image is the user's own, so that one id less is needed.
  const auto uids = parse_subid(text_of(places.etc / "subuid"), result.user, result.uid, kImageIds - 1);
  const auto gids = parse_subid(text_of(places.etc / "subgid"), result.user, result.uid, kImageIds - 1);
  if (!uids || !gids) {
    result.lacking.push_back("65536 ids for " + result.user + " in /etc/subuid and /etc/subgid: install the package passwd, then run `usermod --add-subuids "
                             "100000-165535 --add-subgids 100000-165535 " + result.user + "`");
  }
  if (result.lacking.empty()) {
    result.mode = Mode::rootless;
    result.uids = *uids;
    result.gids = *gids;
  }
  return result;
}

}  // namespace cages::machine
