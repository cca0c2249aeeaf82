// SPDX-License-Identifier: Apache-2.0
// Description: everything that can be said of an image, whoever made it, for `cage describe`. Reports gaps and bad
// checksums instead of stopping at them, so never a ground to start an image: that is check.h.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "crypto/certificate.h"
#include "eif/metadata.h"
#include "eif/read.h"
#include "eif/runtime_releases.h"

namespace cages::eif {

struct Description {
  Header header;
  std::vector<Section> sections;
  std::uint64_t gap_bytes = 0;
  Measurements measurements;
  bool crc_right = false;
  bool is_signed = false;
  bool signature_right = false;               // false too where there is none
  std::optional<crypto::Certificate> signer;  // where it could be read
  std::string kernel_sha256;                  // hexadecimal, or "none"
  std::string ramdisk_sha384;                 // of the first ramdisk, hexadecimal
  std::string cmdline;
  std::optional<Metadata> metadata;  // where it could be read
  std::optional<Error> refused;      // the first reason why a driver would not start it
  std::vector<std::string> notes;    // sentences for people
};

// untrusted: describe_image reads the whole file. Fails only where its layout is not sound or it cannot be read.
Result<Description> describe_image(const std::filesystem::path& path, WallTime now);

// measurements_json: {"HashAlgorithm":"Sha384 { ... }","PCR0":…,"PCR1":…,"PCR2":…} and "PCR8" where signed, as
// nitro-cli prints them, odd text included.
Json measurements_json(const Measurements& measurements);
// description_json: the members of `nitro-cli describe-eif` under its names, then ours. `releases` are searched for
// PCR1.
Json description_json(const Description& description, const RuntimeReleases& releases);

}  // namespace cages::eif
