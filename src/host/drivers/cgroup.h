// SPDX-License-Identifier: Apache-2.0
// Cgroup: the control group of one enclave: limits set before anything runs in it, removed when nothing does any more. For the
// process driver. Where machine::find_cgroups found none, resource limits stand in (fence.h).
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "machine/cgroups.h"

namespace cages::drivers {

struct Limits {
  std::uint64_t memory_bytes = 0;
  std::uint64_t processes_max = 0;
  double cpus = 0;
};

struct Usage {
  std::optional<std::uint64_t> memory_bytes;
  std::optional<std::uint64_t> cpu_ns;
  std::optional<std::uint64_t> processes;
};

class Cgroup {
 public:
  // folders_for says which folders create() will make, so that they can be written down first.
  static std::vector<std::filesystem::path> folders_for(const machine::Cgroups& found, const std::string& name);
  // create makes the group `name` and sets its limits; IO where the kernel refuses, with nothing left behind.
  static Result<Cgroup> create(const machine::Cgroups& found, const std::string& name, const Limits& limits);
  Cgroup() = default;
  Cgroup(Cgroup&&) = default;
  Cgroup& operator=(Cgroup&&) = default;

  Result<void> add(pid_t pid) const;
  [[nodiscard]] Usage usage() const;
  // ran_out_of_memory: true where the kernel has ended a process of the group for want of memory.
  [[nodiscard]] bool ran_out_of_memory() const;
  // remove_folders kills what is left in groups that nobody owns any more and removes them; true where none is left.
  static bool remove_folders(const std::vector<std::filesystem::path>& folders);
  [[nodiscard]] const std::vector<std::filesystem::path>& folders() const { return folders_; }

 private:
  machine::CgroupVersion version_ = machine::CgroupVersion::none;
  std::vector<std::filesystem::path> folders_;
};

}  // namespace cages::drivers
