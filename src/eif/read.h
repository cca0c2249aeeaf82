// SPDX-License-Identifier: Apache-2.0
// EifFile: an image whose layout has been read and found sound. Sections are streamed; nothing is loaded whole. A sound
// layout says nothing about checksum or signature: that is check.h. For drivers, the platform, and the command line.
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "eif/source.h"
#include "eif/types.h"

namespace cages::eif {

enum class Gaps : std::uint8_t { refuse, report };

class EifFile {
 public:
  // untrusted: read looks at the header, the section table and each section's header; the error classes are layout.h's,
  // and EIF_GAP (unless gaps are to be reported) and EIF_CMDLINE (a NUL in it).
  static Result<EifFile> open(std::shared_ptr<const Source> source, Gaps gaps = Gaps::refuse);

  [[nodiscard]] const Header& header() const { return header_; }
  [[nodiscard]] const std::vector<Section>& sections() const { return sections_; }
  [[nodiscard]] const Section& kernel() const { return *find(SectionType::kernel); }
  // find returns the first section of a type, or null. lifetime: as long as this object.
  [[nodiscard]] const Section* find(SectionType type) const;
  [[nodiscard]] std::vector<Section> ramdisks() const;
  [[nodiscard]] const std::string& cmdline() const { return cmdline_; }
  // has_kernel: false where the kernel section is the text that stands for none (interfaces: EIF).
  [[nodiscard]] bool has_kernel() const { return has_kernel_; }
  [[nodiscard]] std::uint64_t file_bytes() const { return source_->size(); }
  // gap_bytes counts bytes that belong to no section; above 0 the hypervisor boots the file and nitro-cli cannot
  // describe it.
  [[nodiscard]] std::uint64_t gap_bytes() const { return gap_bytes_; }
  [[nodiscard]] const std::array<Byte, kHeaderBytes>& raw_header() const { return raw_header_; }

  // read passes a section's data to `sink` in pieces of at most kEifChunkBytes.
  Result<void> read(const Section& section, const Sink& sink) const;
  // read_at fills `into` from `offset` within a section; EIF_TRUNCATED past its end.
  Result<void> read_at(const Section& section, std::uint64_t offset, std::span<Byte> into) const;
  // read_whole returns a small section; LIMIT above `bytes_max`.
  Result<Bytes> read_whole(const Section& section, std::size_t bytes_max) const;

 private:
  EifFile() = default;
  Result<void> read_texts();

  std::shared_ptr<const Source> source_;
  std::array<Byte, kHeaderBytes> raw_header_{};
  Header header_;
  std::vector<Section> sections_;
  std::uint64_t gap_bytes_ = 0;
  std::string cmdline_;
  bool has_kernel_ = true;
};

// open_eif opens a file with EifFile::open, gaps refused.
// race: whoever may write to the file can change it between measuring and use; measure a copy that nobody else can
// write.
Result<EifFile> open_eif(const std::filesystem::path& path);

}  // namespace cages::eif
