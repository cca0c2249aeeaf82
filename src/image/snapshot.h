// SPDX-License-Identifier: Apache-2.0
// Snapshot: what an enclave image or a container image consists of, file by file, contents as hashes, so that two of
// them can be compared (compare.h). For `cage diff`.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "crypto/hash.h"
#include "eif/read.h"
#include "image/load.h"
#include "image/pipe.h"
#include "wire/manifest.h"

namespace cages::image {

// One entry of a file system.
struct FileFacts {
  std::uint32_t mode = 0;  // type and permissions as st_mode
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t bytes = 0;
  crypto::Digest256 content{};  // SHA-256 of a regular file's content
  std::string link;             // a symlink's target, or the first name of a file with several
  std::uint32_t mtime = 0;
  friend bool operator==(const FileFacts&, const FileFacts&) = default;
};
using FileList = std::map<std::string, FileFacts, std::less<>>;

struct Ramdisk {
  crypto::Digest256 digest{};     // of the whole
  std::optional<FileList> files;  // nothing where it is no cpio archive that can be read
  std::string unreadable;         // then: why
};

struct Snapshot {
  // Of an enclave image; a container image has a file system alone.
  std::string kernel;  // SHA-256 in hexadecimal or "none"; empty for a container image
  std::string cmdline;
  std::vector<Ramdisk> ramdisks;
  eif::Measurements measurements;
  std::string signer;  // for people: name and fingerprint; empty: unsigned
  std::string arch;
  std::string metadata;  // text; not measured
  std::optional<wire::Manifest> manifest;
  std::vector<std::pair<std::string, std::string>> config;  // of a container image: setting, value
};

// untrusted: take_snapshot reads the whole image. Fails where its layout is not sound, or its signature section is
// none.
Result<Snapshot> take_snapshot(const eif::EifFile& file);
Result<Snapshot> take_snapshot(const Image& image);

// list_ramdisk lists a cpio archive. CPIO, LIMIT as CpioReader.
Result<FileList> list_ramdisk(const Source& source);

}  // namespace cages::image
