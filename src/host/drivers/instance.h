// SPDX-License-Identifier: Apache-2.0
// RunFolder: the folders of running enclaves, RUN/e/<id>, each with a file that says who owns it. A file lock, which
// the kernel takes back when its holder dies, tells living owners from dead ones; so several hosts share a RUN folder
// and none cleans up another.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"

namespace cages::drivers {

// What an owner must have written down before it makes it.
struct Belongings {
  std::vector<std::filesystem::path> cgroups;
};

// One enclave's folder, owned as long as this lives. remove() at the end; whatever is left after a crash the next start
// removes.
class Instance {
 public:
  Instance(Instance&&) = default;
  Instance& operator=(Instance&&) = default;
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] const std::string& id() const { return id_; }
  // remove takes the groups and the folder away. Nothing of the enclave may run any more.
  void remove();

 private:
  friend class RunFolder;
  Instance(std::string id, std::filesystem::path folder, Belongings belongings, Fd lock)
      : id_(std::move(id)), folder_(std::move(folder)), belongings_(std::move(belongings)), lock_(std::move(lock)) {}
  std::string id_;
  std::filesystem::path folder_;
  Belongings belongings_;
  Fd lock_;
};

class RunFolder {
 public:
  // open makes RUN/e where it is not there (0700 folders) and refuses one that others can write to.
  static Result<RunFolder> open(const std::filesystem::path& run);
  // claim makes RUN/e/<id> and owns it. EXISTS where a living owner has it; USAGE on an id that is no [a-z0-9-]{1,40}.
  Result<Instance> claim(const std::string& id, Belongings belongings);
  // clean_up removes what dead owners left and returns how many there were. Living ones' is not touched.
  Result<std::size_t> clean_up();

 private:
  explicit RunFolder(std::filesystem::path enclaves) : enclaves_(std::move(enclaves)) {}
  [[nodiscard]] Result<Fd> lock() const;
  std::filesystem::path enclaves_;
};

}  // namespace cages::drivers
