// SPDX-License-Identifier: Apache-2.0
// find_cgroups: where control groups can be made to limit an enclave, if anywhere. For cage-host, which makes them, and
// `cage doctor`, which says so. Looks only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "machine/places.h"

namespace cages::machine {

enum class CgroupVersion : std::uint8_t { none, v1, v2 };
std::string_view name_of(CgroupVersion version);  // "none", "v1", "v2"

struct CgroupPlace {
  std::vector<std::string> controllers;  // of memory, pids, cpu: those that this hierarchy limits
  std::filesystem::path parent;          // an existing folder in which a group can be made
};

struct Cgroups {
  CgroupVersion version = CgroupVersion::none;
  std::vector<CgroupPlace> places;
  std::string why_not;  // version none: what is in the way
  [[nodiscard]] bool limits(std::string_view controller) const;
};

// One mount of a control group hierarchy.
struct CgroupMount {
  std::string type;  // "cgroup" or "cgroup2"
  std::filesystem::path root;
  std::filesystem::path at;
  std::vector<std::string> options;  // of the superblock: v1's controllers are among them
};

// parse_mounts reads the control group lines of /proc/self/mountinfo (proc(5)); others and broken ones are passed over.
std::vector<CgroupMount> parse_mounts(std::string_view mountinfo);

// One line of /proc/self/cgroup: hierarchy 0 is v2.
struct CgroupMembership {
  std::uint32_t hierarchy = 0;
  std::vector<std::string> controllers;
  std::string path;
};
std::vector<CgroupMembership> parse_membership(std::string_view text);

// find_cgroups prefers v2 where it has memory and pids, else v1. `root`: the caller may make groups at the top of v2.
Cgroups find_cgroups(bool root, const Places& places = {});

}  // namespace cages::machine
