// SPDX-License-Identifier: Apache-2.0
#include "runtime/app/identity.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/file.h"
#include "base/text.h"

namespace cages::runtime {
namespace {

// The last id of the 16-bit range: no image uses it (it means "no change" to chown(2) on 16-bit ids).
constexpr std::uint32_t kAppRoot = 65535;
constexpr std::uint64_t kIdsMax = 0xffffffff;  // 2^32 - 1 means "no id"

Result<void> give_one(const std::string& path, std::uint32_t uid, std::uint32_t gid) {
  struct stat info{};
  if (lstat(path.c_str(), &info) != 0) return fail(errno_error(path, errno));
  const bool user = info.st_uid == 0 && uid != 0;
  const bool group = info.st_gid == 0 && gid != 0;
  if (!user && !group) return {};
  constexpr auto kKeep = static_cast<uid_t>(-1);
  if (lchown(path.c_str(), user ? uid : kKeep, group ? gid : kKeep) != 0) return fail(errno_error(path, errno));
  // chown clears these bits of regular files (chown(2)).
  const bool special = S_ISREG(info.st_mode) && (info.st_mode & (S_ISUID | S_ISGID)) != 0;
  if (special && chmod(path.c_str(), info.st_mode & 07777) != 0) return fail(errno_error(path, errno));
  return {};
}

}  // namespace

std::string IdMap::as_text() const {
  std::string text;
  for (const IdRange& range : ranges) {
    text +=
        std::to_string(range.inside) + " " + std::to_string(range.outside) + " " + std::to_string(range.count) + "\n";
  }
  return text;
}

std::uint64_t ids_available(std::string_view map_text) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;  // begin, end
  for (const std::string_view line : split(map_text, '\n')) {
    std::vector<std::uint64_t> numbers;
    for (const std::string_view part : split(line, ' ')) {
      std::uint64_t value = 0;
      const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
      if (!part.empty() && error == std::errc{} && end == part.data() + part.size()) numbers.push_back(value);
    }
    if (numbers.size() == 3) ranges.emplace_back(numbers[0], numbers[0] + numbers[2]);
  }
  std::ranges::sort(ranges);
  std::uint64_t available = 0;
  for (const auto& [begin, end] : ranges) {
    if (begin <= available) available = std::max(available, end);
  }
  return std::min(available, kIdsMax);
}

IdMap choose_id_map(std::uint64_t available, std::uint32_t wanted) {
  if (available < 2) return IdMap{{{wanted, 0, 1}}, 0, true};
  const auto last = static_cast<std::uint32_t>(std::min<std::uint64_t>(available, kAppRoot + 1ULL) - 1);
  IdMap map{{{0, last, 1}}, last, false};
  if (last > 1) map.ranges.push_back({1, 1, last - 1});
  if (available > kAppRoot + 1ULL) {
    map.ranges.push_back({kAppRoot + 1, kAppRoot + 1, static_cast<std::uint32_t>(available - kAppRoot - 1)});
  }
  return map;
}

Result<void> give_to_app_root(const std::filesystem::path& root, std::uint32_t uid, std::uint32_t gid) {
  TRY(give_one(root.string(), uid, gid));
  std::error_code error;
  std::filesystem::recursive_directory_iterator entries(root, error);
  for (; !error && entries != std::filesystem::recursive_directory_iterator(); entries.increment(error)) {
    TRY(give_one(entries->path().string(), uid, gid));
  }
  if (error) return fail(errno_error(root.string(), error.value()));
  return {};
}

}  // namespace cages::runtime
