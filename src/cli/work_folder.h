// SPDX-License-Identifier: Apache-2.0
// WorkFolder: a folder of one build's own below .cage/, gone with it; what killed builds left there goes too. For `cage
// build`.
#pragma once

#include <filesystem>

#include "base/file.h"
#include "base/result.h"

namespace cages::cli {

class WorkFolder {
 public:
  // make removes the folders of builds that are dead and makes a new one below `parent`, which it makes where it is
  // missing. Builds that run beside this one keep theirs.
  static Result<WorkFolder> make(const std::filesystem::path& parent);
  ~WorkFolder();
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  WorkFolder(WorkFolder&& other) noexcept : path_(std::exchange(other.path_, {})), lock_(std::move(other.lock_)) {}
  WorkFolder& operator=(WorkFolder&&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  WorkFolder(std::filesystem::path path, Fd lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  std::filesystem::path path_;
  Fd lock_;  // held as long as the build lives; the kernel lets go of it
};

}  // namespace cages::cli
