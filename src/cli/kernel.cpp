// SPDX-License-Identifier: Apache-2.0
#include "cli/kernel.h"

#include <array>

#include "base/limits.h"
#include "base/paths.h"
#include "crypto/hash.h"
#include "image/blob.h"

namespace cages::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kAwsFolder = "/usr/share/nitro_enclaves/blobs";

std::string_view file_name(eif::Arch arch) { return arch == eif::Arch::x86_64 ? "bzImage" : "Image"; }

// x86: "HdrS" at 0x202 of the boot header; aarch64: "ARM\x64" at 0x38 of the Image header (Linux, Documentation/arch).
bool looks_like_kernel(ByteView head, eif::Arch arch) {
  const std::size_t at = arch == eif::Arch::x86_64 ? 0x202 : 0x38;
  const std::string_view magic = arch == eif::Arch::x86_64 ? "HdrS" : "ARM\x64";
  return head.size() >= at + magic.size() && as_text(head.subspan(at, magic.size())) == magic;
}

Result<std::string> digest_of(const image::Blob& blob) {
  crypto::Hasher hasher(crypto::Hasher::Algorithm::sha256);
  Bytes buffer(limits::kEifChunkBytes);
  const image::Source source = blob.source();
  for (;;) {
    TRY_ASSIGN(const std::size_t n, source(buffer));
    if (n == 0) return hex(hasher.finish());
    hasher.update(ByteView(buffer).first(n));
  }
}

Result<Kernel> read_kernel(const fs::path& path, eif::Arch arch) {
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  if (error) return fail(Code::IO, path.string(), "", error.message());
  TRY_ASSIGN(const image::Blob blob, image::open_blob(real));
  std::array<Byte, 0x400> head;
  TRY_ASSIGN(const std::size_t got, image::fill(blob.source(), head));
  if (!looks_like_kernel(ByteView(head).first(got), arch)) {
    return fail(Code::MACHINE, path.string(),
                "a kernel for " + std::string(eif::name(arch)) + " (" + std::string(file_name(arch)) + ")",
                "another file");
  }
  Kernel kernel;
  kernel.path = real;
  TRY_ASSIGN(kernel.sha256, digest_of(blob));
  const auto config = read_file(path.string() + ".config", limits::kJsonBytesMax);
  if (config) kernel.words = eif::kernel_words(as_text(*config));
  return kernel;
}

}  // namespace

Result<Kernel> find_kernel(const fs::path& named, eif::Arch arch) {
  if (!named.empty()) return read_kernel(named, arch);
  std::vector<fs::path> places{fs::path(kAwsFolder) / file_name(arch)};
  if (const auto cache = user_folder(UserFolder::cache)) places.push_back(*cache / "kernel" / file_name(arch));
  for (const fs::path& place : places) {
    std::error_code error;
    if (fs::exists(place, error)) return read_kernel(place, arch);
  }
  return Kernel{};
}

std::string kernel_advice() {
  return "no kernel: this image runs under the `process` driver alone. For vm and nitro, install AWS's package "
         "(aws-nitro-enclaves-cli-devel, " +
         std::string(kAwsFolder) +
         "), or build one (docs/guide/kernel.md) into XDG_CACHE_HOME/cages/kernel, or name one with --kernel or "
         "[image] kernel";
}

}  // namespace cages::cli
