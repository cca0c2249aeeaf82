// SPDX-License-Identifier: Apache-2.0
#include "image/snapshot.h"

#include <algorithm>

#include "base/limits.h"
#include "eif/measure.h"
#include "eif/signature.h"
#include "image/cpio.h"
#include "image/ramdisk.h"

namespace cages::image {
namespace {

constexpr std::size_t kPieceBytes = 64 * 1024;
constexpr std::uint32_t kDirectory = 0040000, kRegular = 0100000, kSymlink = 0120000;

Result<crypto::Digest256> digest_of(crypto::Hasher& hasher) {
  const Bytes bytes = hasher.finish();
  crypto::Digest256 out{};
  std::ranges::copy(bytes, out.begin());
  return out;
}

Result<crypto::Digest256> hash_source(const Source& source) {
  crypto::Hasher hasher(crypto::Hasher::Algorithm::sha256);
  Bytes buffer(kPieceBytes);
  for (;;) {
    TRY_ASSIGN(const std::size_t count, source(buffer));
    if (count == 0) return digest_of(hasher);
    hasher.update(ByteView(buffer).first(count));
  }
}

Source section_source(const eif::EifFile& file, const eif::Section& section) {
  return [&file, section, done = std::uint64_t{0}](std::span<Byte> into) mutable -> Result<std::size_t> {
    const auto piece = into.first(std::min<std::uint64_t>(into.size(), section.bytes - done));
    TRY(file.read_at(section, done, piece));
    done += piece.size();
    return piece.size();
  };
}

Result<wire::Manifest> read_manifest(const eif::EifFile& file, const eif::Section& ramdisk) {
  CpioReader reader(section_source(file, ramdisk));
  for (;;) {
    TRY_ASSIGN(const std::optional<CpioEntry> entry, reader.next());
    if (!entry) return fail(Code::NOT_FOUND, std::string(wire::kManifestPath));
    if (entry->path != wire::kManifestPath) continue;
    if (entry->size > limits::kManifestBytesMax) return fail(Code::LIMIT, std::string(wire::kManifestPath));
    Bytes content(entry->size);
    TRY_ASSIGN(const std::size_t count, fill([&](std::span<Byte> into) { return reader.read(into); }, content));
    content.resize(count);
    return wire::parse_manifest(content);
  }
}

Result<Ramdisk> read_ramdisk(const eif::EifFile& file, const eif::Section& section) {
  Ramdisk out;
  TRY_ASSIGN(out.digest, hash_source(section_source(file, section)));
  auto files = list_ramdisk(section_source(file, section));
  if (files) {
    out.files = std::move(*files);
  } else {
    out.unreadable = describe(files.error());
  }
  return out;
}

Result<std::string> signer_of(const eif::EifFile& file) {
  if (file.find(eif::SectionType::signature) == nullptr) return std::string();
  TRY_ASSIGN(const eif::Signature signature, eif::read_signature(file));
  TRY_ASSIGN(const crypto::Certificate certificate, eif::signing_certificate(signature));
  return printable(certificate.subject_text().value_or("?")) + " (SHA-256 " + hex(crypto::sha256(certificate.der())) +
         ")";
}

FileFacts facts_of(const CpioEntry& entry) {
  return {.mode = entry.mode,
          .uid = entry.uid,
          .gid = entry.gid,
          .bytes = entry.size,
          .content = {},
          .link = entry.is_symlink() ? entry.target : entry.hard_link_to,
          .mtime = entry.mtime};
}

std::string words(const std::vector<std::string>& list) {
  std::string out;
  for (const std::string& word : list) out += (out.empty() ? "" : " ") + printable(word, 256);
  return out;
}

Result<FileFacts> facts_of(const Node& node) {
  FileFacts out;
  out.mode = kDirectory | node.permissions;
  out.uid = node.uid;
  out.gid = node.gid;
  if (node.kind == NodeKind::symlink) {
    out.mode = kSymlink | 0777;
    out.bytes = node.target.size();
    out.link = node.target;
  }
  if (node.kind == NodeKind::file) {
    out.mode = kRegular | node.file->permissions;
    out.uid = node.file->uid;
    out.gid = node.file->gid;
    out.bytes = node.file->content.size();
    TRY_ASSIGN(out.content, hash_source(node.file->content.source()));
  }
  return out;
}

void add_config(const ImageConfig& config, Snapshot& out) {
  out.config = {{"architecture", config.architecture},
                {"entrypoint", words(config.entrypoint)},
                {"cmd", words(config.cmd)},
                {"user", config.user},
                {"workdir", config.workdir},
                {"stop signal", config.stop_signal},
                {"ports", words(config.exposed_ports)}};
  for (const auto& [name, value] : config.env) out.config.emplace_back("variable " + name, value);
}

}  // namespace

Result<FileList> list_ramdisk(const Source& source) {
  CpioReader reader(source);
  FileList out;
  for (;;) {
    TRY_ASSIGN(const std::optional<CpioEntry> entry, reader.next());
    if (!entry) return out;
    FileFacts facts = facts_of(*entry);
    if (entry->is_regular()) {
      TRY_ASSIGN(facts.content, hash_source([&](std::span<Byte> into) { return reader.read(into); }));
    }
    out.emplace(entry->path, std::move(facts));
  }
}

Result<Snapshot> take_snapshot(const eif::EifFile& file) {
  Snapshot out;
  TRY_ASSIGN(const eif::Measured measured, eif::measure(file));
  out.measurements = measured.pcrs;
  out.cmdline = file.cmdline();
  out.arch = name(file.header().arch);
  TRY_ASSIGN(const crypto::Digest256 kernel, hash_source(section_source(file, file.kernel())));
  out.kernel = file.has_kernel() ? hex(kernel) : "none";
  const auto ramdisks = file.ramdisks();
  for (const eif::Section& section : ramdisks) {
    TRY_ASSIGN(Ramdisk ramdisk, read_ramdisk(file, section));
    out.ramdisks.push_back(std::move(ramdisk));
  }
  if (ramdisks.size() > 1 && out.ramdisks[1].files && out.ramdisks[1].files->contains(wire::kManifestPath)) {
    if (auto manifest = read_manifest(file, ramdisks[1])) out.manifest = std::move(*manifest);
  }
  TRY_ASSIGN(out.signer, signer_of(file));
  if (const eif::Section* metadata = file.find(eif::SectionType::metadata)) {
    if (const auto text = file.read_whole(*metadata, limits::kEifMetadataBytesMax)) out.metadata = as_text(*text);
  }
  return out;
}

Result<Snapshot> take_snapshot(const Image& image) {
  Snapshot out;
  FileList files;
  for (const auto& [path, node] : image.tree.nodes()) {
    TRY_ASSIGN(FileFacts facts, facts_of(node));
    files.emplace(std::string(kRootfsFolder) + "/" + path, std::move(facts));
  }
  out.ramdisks.resize(2);
  out.ramdisks[0].files = FileList();
  out.ramdisks[1].files = std::move(files);
  add_config(image.config, out);
  return out;
}

}  // namespace cages::image
