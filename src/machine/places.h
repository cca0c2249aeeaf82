// SPDX-License-Identifier: Apache-2.0
// Places: where this machine's own description of itself is read from. Tests pass a made-up tree. For machine/ and its tests.
#pragma once

#include <filesystem>
#include <vector>

namespace cages::machine {

struct Places {
  std::filesystem::path proc = "/proc";
  std::filesystem::path etc = "/etc";
  std::filesystem::path dev = "/dev";
  // Never $PATH: the helpers found here are set-user-id programs.
  std::vector<std::filesystem::path> programs = {"/usr/bin", "/bin", "/usr/sbin", "/sbin"};
};

}  // namespace cages::machine
