// SPDX-License-Identifier: Apache-2.0
// PrivateFolder: where a program keeps keys of its own: a folder of mode 0700 and files of mode 0600, all owned by the user
// who runs it, never reached through a symbolic link, and refused where any of that is not so. For small secret files.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/file.h"
#include "base/result.h"
#include "base/secret.h"

namespace cages {

class PrivateFolder {
 public:
  // open_or_create makes the folder (and missing parents, 0700 too) where there is none. UNSAFE_FILE where it is no folder,
  // is somebody else's, may be entered by others, or is a symbolic link.
  static Result<PrivateFolder> open_or_create(const std::filesystem::path& path);
  // read returns a file's content, nothing where there is no such file. UNSAFE_FILE, IO, LIMIT above `bytes_max`.
  [[nodiscard]] Result<std::optional<Secret>> read(const std::string& name, std::size_t bytes_max) const;
  // create writes a new file whole or not at all; false where there is one of this name already (it is left as it is, even
  // where another process makes it at the same moment).
  [[nodiscard]] Result<bool> create(const std::string& name, const Secret& content) const;

 private:
  PrivateFolder(Fd folder, std::string path) : folder_(std::move(folder)), path_(std::move(path)) {}
  [[nodiscard]] std::string path_of(const std::string& name) const { return path_ + "/" + name; }
  Fd folder_;
  std::string path_;
};

}  // namespace cages
