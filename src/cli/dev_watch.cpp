// SPDX-License-Identifier: Apache-2.0
#include "cli/dev_watch.h"

#include <functional>
#include <string>

namespace cages::cli {
namespace {

constexpr std::size_t kFilesMax = 20'000;

// FNV-1a over 64 bits: a fingerprint against accident, not against anybody.
void mix(std::uint64_t& hash, std::uint64_t value) { hash = (hash ^ value) * 0x100000001b3ULL; }

}  // namespace

std::uint64_t snapshot(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  std::size_t files = 0;
  std::error_code failed;
  for (fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied, failed), end;
       !failed && at != end && files < kFilesMax; at.increment(failed)) {
    const std::string name = at->path().filename().string();
    if (name == ".cage" || name == ".git") {
      at.disable_recursion_pending();
      continue;
    }
    std::error_code gone;
    const auto status = at->symlink_status(gone);
    if (gone || fs::is_directory(status)) continue;
    ++files;
    mix(hash, std::hash<std::string>{}(at->path().string()));
    mix(hash, fs::is_regular_file(status) ? at->file_size(gone) : 0);
    const auto written = fs::is_symlink(status) ? fs::file_time_type() : at->last_write_time(gone);
    mix(hash, static_cast<std::uint64_t>(written.time_since_epoch().count()));
  }
  return hash;
}

}  // namespace cages::cli
