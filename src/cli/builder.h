// SPDX-License-Identifier: Apache-2.0
// Builder: the program on this machine that turns a Dockerfile into an image: docker, podman or buildah, whichever is
// the first to really build one. From its archive on, our own code alone runs. For `cage build` and `cage dev`.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace cages::cli {

enum class BuilderKind : std::uint8_t { docker, podman, buildah };

// A program and how it must be called to work here.
struct Builder {
  BuilderKind kind = BuilderKind::buildah;
  bool chroot = false;     // --isolation chroot: RUN without the privileges that containers need
  bool own_store = false;  // vfs storage of our own, where the user's store does not work here

  // "buildah --isolation chroot": for people, and how it is remembered.
  [[nodiscard]] std::string name() const;
};

struct BuildJob {
  std::filesystem::path dockerfile;
  std::filesystem::path context;
  std::filesystem::path folder;  // for files of the job; belongs to the caller, who removes it
  std::string tag;               // "cages/NAME"
  std::string platform;          // "linux/arm64"; empty: this machine's
  bool show_output = false;      // on standard error as it comes; else it is kept in folder/"builder.log"
};

// find_builder returns the builder to use. `chosen` ("docker", "podman", "buildah"; empty: any of them) narrows the
// choice. The one that worked last is remembered in the user's cache; the others are tried by building two lines, FROM
// scratch. `folder`: for the trials. BUILDER lists what was tried and how each failed; USAGE for an unknown name.
Result<Builder> find_builder(const std::string& chosen, const std::filesystem::path& folder);

// try_builders is find_builder without what is remembered: each is tried in turn, until one has built.
Result<Builder> try_builders(const std::string& chosen, const std::filesystem::path& folder);

// build_archive builds the image and returns the path of its `docker save` archive in job.folder. `.cage/` is never
// part of the context. BUILDER with the end of the builder's own words.
Result<std::filesystem::path> build_archive(const Builder& builder, const BuildJob& job);

}  // namespace cages::cli
