// SPDX-License-Identifier: Apache-2.0
// compose: image configuration + cage.toml + platform roots → the measured manifest, by Docker's rules where the two
// overlap. For cli/.
#pragma once

#include "image/load.h"
#include "image/project.h"

namespace cages::image {

struct Composed {
  wire::Manifest manifest;
  std::vector<std::string> warnings;  // for the user; none of them changes what was built
};

struct PolicyInputs {
  std::vector<wire::RootHash> roots;
  std::vector<std::string> client_cas;  // PEM
};

// compose: IMAGE_CONFIG where neither says what is needed (command, port), where several ports are exposed (it lists
// them), or where user, command or working directory do not exist in the image; SECRET_NAME where a secret would
// replace a variable; MANIFEST.
Result<Composed> compose(const Project& project, Image& image, const PolicyInputs& inputs);

// parse_signal: "SIGTERM", "TERM", "15", "SIGRTMIN+3" (numbers as Linux has them on x86_64 and aarch64); IMAGE_CONFIG.
Result<std::uint8_t> parse_signal(std::string_view text);

}  // namespace cages::image
