// SPDX-License-Identifier: Apache-2.0
// Runtime releases: which runtime a PCR1 stands for. runtime-releases.json lists, for each build and architecture of
// the runtime, its SHA-256, the PCR1 it makes with each known kernel, and how it was built; `./run release` writes and
// signs it, `cage` carries the one of its own version. For `cage build`, `describe` and `diff`. Not for deciding whom
// to trust: a policy names PCRs.
//
// {"v":1,"releases":[{"version","build","arch","sha256","ramdisk","kernels":[{"name","sha256","pcr1"}],"record":{…}}],
//  "signed": base64 of a COSE_Sign1 whose payload is the compact text of "releases" behind a label, or null}
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "crypto/signer.h"
#include "eif/types.h"

namespace cages::eif {

struct KernelRelease {
  std::string name;    // for people
  std::string sha256;  // hexadecimal, or "none"
  crypto::Digest384 pcr1{};
};

struct RuntimeRelease {
  std::string version;
  std::string build;  // "networked" or "isolated"
  Arch arch = Arch::x86_64;
  std::string sha256;   // of the program, hexadecimal
  std::string ramdisk;  // SHA-384 of the ramdisk it makes, hexadecimal: knows it again with any kernel
  std::vector<KernelRelease> kernels;
  Json record;  // how it was built: compiler, libraries and their versions
};

struct RuntimeReleases {
  std::vector<RuntimeRelease> list;
};

// untrusted: parse_runtime_releases reads the file's text; JSON where it is another. Does not look at the signature.
Result<RuntimeReleases> parse_runtime_releases(std::string_view text);
// write_runtime_releases: indented JSON, signed where `key` is given.
Result<std::string> write_runtime_releases(const RuntimeReleases& releases, const crypto::Signer* key);
// untrusted: verify_runtime_releases reads the file and requires its signature to be `key`'s over exactly that list.
// RELEASE_STATEMENT else.
Result<RuntimeReleases> verify_runtime_releases(std::string_view text, const crypto::PublicKey& key);

struct ReleaseMatch {
  const RuntimeRelease& release;
  const KernelRelease* kernel;  // null: the release is known, its kernel is not
};
// find_release returns the release that makes this PCR1. lifetime: as long as `releases`.
std::optional<ReleaseMatch> find_release(const RuntimeReleases& releases, const crypto::Digest384& pcr1);
// find_release: else the one whose ramdisk this is, in hexadecimal SHA-384; the kernel beside it is then an unknown
// one.
std::optional<ReleaseMatch> find_release(const RuntimeReleases& releases, const crypto::Digest384& pcr1,
                                         std::string_view ramdisk);
// release_json: the release, its kernel and build record, or "unknown" where there is no match.
Json release_json(const std::optional<ReleaseMatch>& match);

}  // namespace cages::eif
