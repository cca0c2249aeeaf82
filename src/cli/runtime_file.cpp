// SPDX-License-Identifier: Apache-2.0
#include "cli/runtime_file.h"

#include <elf.h>

#include <cstring>

#include "base/limits.h"
#include "cli/installed.h"
#include "crypto/hash.h"

namespace cages::cli {

namespace fs = std::filesystem;

namespace {

std::string runtime_name(wire::Variant variant) {
  return variant == wire::Variant::isolated ? "cage-runtime-isolated" : "cage-runtime";
}

std::unexpected<Error> no_program(const fs::path& path, std::string got) {
  return fail(Code::MACHINE, path.string(), "a static program for Linux on x86_64 or aarch64", std::move(got));
}

// PID 1 finds no loader in a ramdisk: a program that asks for one would never start.
Result<eif::Arch> check_program(const fs::path& path, const image::Blob& blob) {
  Elf64_Ehdr head{};
  const std::span<Byte> raw(reinterpret_cast<Byte*>(&head), sizeof head);
  TRY_ASSIGN(const std::size_t got, image::fill(blob.source(), raw));
  if (got != sizeof head ||
      as_text(ByteView(raw).first(4)) !=
          "\x7f"
          "ELF" ||
      head.e_ident[EI_CLASS] != ELFCLASS64) {
    return no_program(path, "another file");
  }
  for (unsigned i = 0; i < head.e_phnum && head.e_phentsize == sizeof(Elf64_Phdr); ++i) {
    Elf64_Phdr part{};
    const std::span<Byte> part_raw(reinterpret_cast<Byte*>(&part), sizeof part);
    const std::uint64_t at = head.e_phoff + i * sizeof part;
    if (at > blob.size || blob.size - at < sizeof part) break;
    TRY(image::fill(image::file_source(blob.file->get(), blob.offset + at, sizeof part), part_raw));
    if (part.p_type == PT_INTERP) return no_program(path, "one that asks for a loader");
  }
  if (head.e_machine == EM_X86_64) return eif::Arch::x86_64;
  if (head.e_machine == EM_AARCH64) return eif::Arch::aarch64;
  return no_program(path, "machine " + std::to_string(head.e_machine));
}

Result<std::string> digest_of(const image::Content& content) {
  crypto::Hasher hasher(crypto::Hasher::Algorithm::sha256);
  Bytes buffer(limits::kEifChunkBytes);
  const image::Source source = content.source();
  for (;;) {
    TRY_ASSIGN(const std::size_t n, source(buffer));
    if (n == 0) return hex(hasher.finish());
    hasher.update(ByteView(buffer).first(n));
  }
}

}  // namespace

Result<RuntimeFile> find_runtime(const fs::path& named, std::optional<wire::Variant> variant,
                                 const eif::RuntimeReleases& releases) {
  RuntimeFile out;
  out.path = named;
  if (named.empty()) {
    const std::string name = runtime_name(variant.value_or(wire::Variant::networked));
    const auto installed = find_installed(name);
    if (!installed) {
      return fail(Code::MACHINE, name,
                  "it beside `cage`, or in ../lib/cages from there, or --runtime PATH", "neither");
    }
    out.path = *installed;
  }
  std::error_code error;
  const fs::path real = fs::canonical(out.path, error);
  if (error) return fail(Code::MACHINE, out.path.string(), "the runtime", error.message());
  TRY_ASSIGN(image::Blob blob, image::open_blob(real));
  TRY_ASSIGN(out.arch, check_program(out.path, blob));
  out.content = image::Content(std::move(blob));
  TRY_ASSIGN(out.sha256, digest_of(out.content));
  out.release = "sha256:" + out.sha256;
  for (const eif::RuntimeRelease& release : releases.list) {
    if (release.sha256 != out.sha256) continue;
    out.release = release.version + " " + release.build;
    // Only its own start would find that out.
    if (variant && release.build != to_text(*variant)) {
      return fail(Code::MACHINE, out.path.string(), "the " + std::string(to_text(*variant)) + " build",
                  "the " + release.build + " one");
    }
  }
  return out;
}

}  // namespace cages::cli
