// SPDX-License-Identifier: Apache-2.0
#include "eif/read.h"

#include <algorithm>

#include "base/limits.h"
#include "eif/layout.h"

namespace cages::eif {

Result<EifFile> EifFile::open(std::shared_ptr<const Source> source, Gaps gaps) {
  EifFile file;
  file.source_ = std::move(source);
  TRY(file.source_->read_at(0, file.raw_header_));
  TRY_ASSIGN(const FileHeader header, parse_file_header(file.raw_header_));
  file.header_ = header.header;
  TRY(check_extent(header.table, file.source_->size()));
  for (const TableRow& row : header.table) {
    std::array<Byte, kSectionHeaderBytes> bytes{};
    TRY(file.source_->read_at(row.offset, bytes));
    TRY_ASSIGN(const Section section, parse_section_header(bytes, row));
    file.sections_.push_back(section);
  }
  TRY(check_sections(file.sections_, file.header_.version));
  file.gap_bytes_ = eif::gap_bytes(header.table);
  if (file.gap_bytes_ != 0 && gaps == Gaps::refuse) {
    return fail(Code::EIF_GAP, "", "sections that follow each other",
                std::to_string(file.gap_bytes_) + " bytes between them");
  }
  TRY(file.read_texts());
  return file;
}

Result<void> EifFile::read_texts() {
  TRY_ASSIGN(const Bytes text, read_whole(*find(SectionType::cmdline), limits::kEifCmdlineBytesMax));
  cmdline_ = as_text(text);
  // What follows a NUL is measured but not seen by the kernel, nor by people.
  if (cmdline_.contains('\0')) return fail(Code::EIF_CMDLINE, "", "no NUL", "one");
  if (kernel().bytes == kNoKernel.size()) {
    TRY_ASSIGN(const Bytes content, read_whole(kernel(), kNoKernel.size()));
    has_kernel_ = as_text(content) != kNoKernel;
  }
  return {};
}

const Section* EifFile::find(SectionType type) const {
  const auto found = std::ranges::find(sections_, type, &Section::type);
  return found == sections_.end() ? nullptr : &*found;
}

std::vector<Section> EifFile::ramdisks() const {
  std::vector<Section> out;
  std::ranges::copy_if(sections_, std::back_inserter(out),
                       [](const Section& s) { return s.type == SectionType::ramdisk; });
  return out;
}

Result<void> EifFile::read(const Section& section, const Sink& sink) const {
  Bytes buffer(std::min<std::uint64_t>(section.bytes, limits::kEifChunkBytes));
  for (std::uint64_t done = 0; done < section.bytes;) {
    const auto piece = std::span(buffer).first(std::min<std::uint64_t>(section.bytes - done, buffer.size()));
    TRY(source_->read_at(section.offset + done, piece));
    TRY(sink(piece));
    done += piece.size();
  }
  return {};
}

Result<void> EifFile::read_at(const Section& section, std::uint64_t offset, std::span<Byte> into) const {
  if (offset > section.bytes || into.size() > section.bytes - offset) {
    return fail(Code::EIF_TRUNCATED, std::string(name(section.type)), std::to_string(offset + into.size()) + " bytes",
                std::to_string(section.bytes));
  }
  return source_->read_at(section.offset + offset, into);
}

Result<Bytes> EifFile::read_whole(const Section& section, std::size_t bytes_max) const {
  if (section.bytes > bytes_max) {
    return fail(Code::LIMIT, std::string(name(section.type)), "at most " + std::to_string(bytes_max) + " bytes",
                std::to_string(section.bytes));
  }
  Bytes out(section.bytes);
  TRY(source_->read_at(section.offset, out));
  return out;
}

Result<EifFile> open_eif(const std::filesystem::path& path) {
  TRY_ASSIGN(auto source, open_source(path));
  return EifFile::open(std::move(source));
}

}  // namespace cages::eif
