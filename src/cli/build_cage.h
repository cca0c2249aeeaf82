// SPDX-License-Identifier: Apache-2.0
// build_cage: a project folder → .cage/NAME.eif, measurements.json, release.json. What `cage build` does, and `cage
// dev` before it starts the result. The same project, lock, kernel and runtime give the same bytes on any machine.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/verb.h"
#include "eif/types.h"
#include "image/project.h"
#include "wire/release_statement.h"

namespace cages::cli {

struct BuildRequest {
  std::filesystem::path folder = ".";  // where cage.toml is
  std::string builder;                 // empty: the first that works
  std::string kernel;                  // path; empty: cage.toml, else look for one
  std::string runtime;                 // path; empty: the installed one
  std::string release_key;             // path of the developer's release key; empty: the statement is not signed
  std::vector<wire::RootHash> roots;   // instead of cage.lock's, and cage.lock is then left alone: `cage dev`
  bool locked = false;                 // fail where the result differs from what cage.lock records
};

struct BuildResult {
  std::filesystem::path eif;
  eif::Measurements measurements;
  wire::Manifest manifest;
  wire::ReleaseStatement statement;
  image::Lock lock;
  std::string kernel_sha256;  // or "none"
  std::string runtime;        // release, or digest
  std::uint64_t eif_bytes = 0;
  bool is_signed = false;
  std::vector<std::string> notes;  // for people: warnings, a kernel that is missing
};

// build_cage: TOML, TOML_KEY, LOCK, SECRET_NAME, EGRESS_ENTRY of the project; BUILDER; IMAGE… of the image; MACHINE
// without a runtime; EIF_KEY and PEM of the signing files; NO_PLATFORM where neither request nor lock names a platform
// root; LOCK_DIFFERS where `locked` and the result is another. Progress goes to the terminal where it is one.
Result<BuildResult> build_cage(const BuildRequest& request, Terminal& terminal);

}  // namespace cages::cli
