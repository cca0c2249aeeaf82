// SPDX-License-Identifier: Apache-2.0
// The layout of an image: file header and section table (nitro.md §1.1, §1.2), bytes to types and back. No I/O, no
// measurement. For read.cpp and write.cpp.
#pragma once

#include <array>
#include <vector>

#include "eif/types.h"

namespace cages::eif {

// A row of the section table, before the section itself has been looked at.
struct TableRow {
  std::uint64_t offset;  // of the section's header
  std::uint64_t bytes;   // of the data
};

struct FileHeader {
  Header header;
  std::vector<TableRow> table;
};

// untrusted: parse_file_header reads the first kHeaderBytes of a file. EIF_MAGIC, EIF_VERSION, EIF_FLAGS, EIF_RESERVED,
// EIF_SECTION_COUNT.
Result<FileHeader> parse_file_header(std::span<const Byte, kHeaderBytes> bytes);
// untrusted: parse_section_header checks a section's own header against its row. EIF_SECTION_TYPE, EIF_SECTION_FLAGS,
// EIF_SECTION_SIZE, EIF_SIGNATURE_SIZE.
Result<Section> parse_section_header(std::span<const Byte, kSectionHeaderBytes> bytes, const TableRow& row);

// check_extent: EIF_OVERLAP where a row begins before the end of the one before it (or of the file header),
// EIF_TRUNCATED where one ends after the file. Gaps are not looked at: see gap_bytes.
Result<void> check_extent(const std::vector<TableRow>& table, std::uint64_t file_bytes);
// gap_bytes counts the bytes between the file header and the last section's end that belong to no section.
std::uint64_t gap_bytes(const std::vector<TableRow>& table);
// check_sections: one kernel, one cmdline, ramdisks after the kernel, at most one signature, metadata exactly once from
// version 4 on and at most once before. EIF_SECTIONS.
Result<void> check_sections(const std::vector<Section>& sections, std::uint16_t version);

std::array<Byte, kHeaderBytes> write_file_header(const FileHeader& header);
std::array<Byte, kSectionHeaderBytes> write_section_header(SectionType type, std::uint64_t bytes);

}  // namespace cages::eif
