// SPDX-License-Identifier: Apache-2.0
#include "cli/installed.h"

#include "base/file.h"
#include "base/limits.h"

namespace cages::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kReleasesFile = "runtime-releases.json";

}  // namespace

std::optional<fs::path> find_installed(std::string_view name) {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error) return std::nullopt;
  const fs::path folder = program.parent_path();
  for (const fs::path& place : {folder / ".." / "lib" / "cages", folder}) {
    const fs::path candidate = (place / name).lexically_normal();
    if (fs::is_regular_file(candidate, error)) return candidate;
  }
  return std::nullopt;
}

Result<eif::RuntimeReleases> load_runtime_releases(const std::string& path, const std::string& key_path) {
  fs::path file = path;
  if (path.empty()) {
    const auto installed = find_installed(kReleasesFile);
    if (!installed) return eif::RuntimeReleases{};
    file = *installed;
  }
  TRY_ASSIGN(const Bytes text, read_file(file, limits::kJsonBytesMax));
  if (key_path.empty()) return eif::parse_runtime_releases(as_text(text));
  TRY_ASSIGN(const Bytes pem, read_file(key_path, limits::kX509BytesMax));
  TRY_ASSIGN(const crypto::PublicKey key, crypto::PublicKey::from_pem(as_text(pem)));
  return eif::verify_runtime_releases(as_text(text), key);
}

}  // namespace cages::cli
