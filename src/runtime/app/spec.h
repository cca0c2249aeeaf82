// SPDX-License-Identifier: Apache-2.0
// AppSpec: what the spawner is to start. It comes from the measured manifest and the granted secrets, and travels
// through a sealed memory file, never a path. Its bytes are between processes of one binary: no other version reads
// them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/file.h"
#include "base/result.h"
#include "base/secret.h"
#include "wire/manifest.h"

namespace cages::runtime {

struct NamedSecret {
  std::string name;
  Secret value;
};

struct AppSpec {
  std::string root = "/rootfs";      // the image
  std::string cmdline = "/cmdline";  // shown as the app's /proc/cmdline; left out where there is none
  std::string hostname;
  std::vector<std::string> command;
  std::vector<NamedSecret> environment;  // all of it: secrets among the rest
  std::vector<NamedSecret> files;        // /run/secrets/NAME
  wire::User user;
  std::string workdir = "/";
  bool resolver = false;  // the app's C library asks 127.0.0.1
};

// make_spec joins manifest and secrets. Secrets that the manifest does not name are ignored; one that it names and that
// is not there is SECRET_MISSING; one for the environment never replaces a variable of the manifest (SECRET_NAME).
Result<AppSpec> make_spec(const wire::Manifest& manifest, const std::vector<NamedSecret>& secrets);

// secret: writes and reads the memory file.
Result<Fd> seal_spec(const AppSpec& spec);
Result<AppSpec> read_spec(int fd);

}  // namespace cages::runtime
