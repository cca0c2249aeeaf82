// SPDX-License-Identifier: Apache-2.0
// Which ids of the runtime's user namespace stand for the app's ids. The app's root is an id that nobody else is: the
// last one there is (65535 where there are that many), so that it owns nothing of the runtime's. All other ids stay
// themselves. Pure, but for give_to_app_root.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "wire/manifest.h"

namespace cages::runtime {

struct IdRange {
  std::uint32_t inside = 0;
  std::uint32_t outside = 0;
  std::uint32_t count = 0;
  bool operator==(const IdRange&) const = default;
};

struct IdMap {
  std::vector<IdRange> ranges;
  std::uint32_t root = 0;  // the runtime's id that is the app's 0
  bool shared = false;     // the app's id is the runtime's own: there is only one
  // as_text: as /proc/PID/uid_map takes it.
  [[nodiscard]] std::string as_text() const;
};

// ids_available reads /proc/self/uid_map (or gid_map): how many ids there are from 0 on without a hole; 0 where 0 has
// none.
std::uint64_t ids_available(std::string_view map_text);
// choose_id_map: `wanted` is the id that the app runs as; it matters only where there is one id.
IdMap choose_id_map(std::uint64_t available, std::uint32_t wanted);

// give_to_app_root hands every file below `root` that belongs to user or group 0 to `uid` or `gid`, links themselves
// and not what they name, modes kept (set-user-id bits too). Does nothing twice. IO with the path.
Result<void> give_to_app_root(const std::filesystem::path& root, std::uint32_t uid, std::uint32_t gid);

}  // namespace cages::runtime
