// SPDX-License-Identifier: Apache-2.0
#include "eif/layout.h"

#include <algorithm>
#include <string>

#include "base/limits.h"

namespace cages::eif {
namespace {

constexpr std::array<Byte, 4> kMagic{0x2e, 0x65, 0x69, 0x66};  // ".eif"
constexpr std::uint16_t kFlagAarch64 = 1;
constexpr std::size_t kSectionsMin = 2;

// Offsets of the header's fields (nitro.md §1.1).
constexpr std::size_t kVersionAt = 0x004, kFlagsAt = 0x006, kMemoryAt = 0x008, kCpusAt = 0x010, kReservedAt = 0x018,
                      kCountAt = 0x01a, kOffsetsAt = 0x01c, kSizesAt = 0x11c, kUnusedAt = 0x21c;

template <class T>
T read_be(ByteView bytes, std::size_t at) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>((value << 8) | bytes[at + i]);
  return value;
}

template <class T>
void write_be(std::span<Byte> bytes, std::size_t at, T value) {
  for (std::size_t i = sizeof(T); i-- > 0; value = static_cast<T>(value >> 8)) bytes[at + i] = static_cast<Byte>(value);
}

Result<void> check_fixed_fields(ByteView bytes) {
  if (!equal(bytes.first(kMagic.size()), kMagic)) {
    return fail(Code::EIF_MAGIC, "", hex(kMagic), hex(bytes.first(kMagic.size())));
  }
  const auto version = read_be<std::uint16_t>(bytes, kVersionAt);
  if (version < kVersionMin || version > kVersionMax)
    return fail(Code::EIF_VERSION, "", "2, 3 or 4", std::to_string(version));
  const auto flags = read_be<std::uint16_t>(bytes, kFlagsAt);
  if ((flags & ~kFlagAarch64) != 0) return fail(Code::EIF_FLAGS, "", "0 or 1", std::to_string(flags));
  if (read_be<std::uint16_t>(bytes, kReservedAt) != 0)
    return fail(Code::EIF_RESERVED, "offset 0x18", "0", "another value");
  if (read_be<std::uint32_t>(bytes, kUnusedAt) != 0)
    return fail(Code::EIF_RESERVED, "offset 0x21c", "0", "another value");
  return {};
}

std::uint64_t end_of(const TableRow& row) { return row.offset + kSectionHeaderBytes + row.bytes; }

}  // namespace

std::string_view name(SectionType type) {
  switch (type) {
    case SectionType::kernel: return "kernel";
    case SectionType::cmdline: return "cmdline";
    case SectionType::ramdisk: return "ramdisk";
    case SectionType::signature: return "signature";
    case SectionType::metadata: return "metadata";
  }
  return "unknown";
}

std::string_view name(Arch arch) { return arch == Arch::x86_64 ? "x86_64" : "aarch64"; }

Result<FileHeader> parse_file_header(std::span<const Byte, kHeaderBytes> bytes) {
  TRY(check_fixed_fields(bytes));
  FileHeader out;
  out.header.version = read_be<std::uint16_t>(bytes, kVersionAt);
  out.header.arch = read_be<std::uint16_t>(bytes, kFlagsAt) == kFlagAarch64 ? Arch::aarch64 : Arch::x86_64;
  out.header.default_memory_bytes = read_be<std::uint64_t>(bytes, kMemoryAt);
  out.header.default_cpus = read_be<std::uint64_t>(bytes, kCpusAt);
  out.header.crc = read_be<std::uint32_t>(bytes, kCrcOffset);
  const std::size_t count = read_be<std::uint16_t>(bytes, kCountAt);
  if (count < kSectionsMin || count > limits::kEifSectionsMax) {
    return fail(Code::EIF_SECTION_COUNT, "", "2 to 32", std::to_string(count));
  }
  for (std::size_t i = 0; i < count; ++i) {
    out.table.push_back(
        {read_be<std::uint64_t>(bytes, kOffsetsAt + 8 * i), read_be<std::uint64_t>(bytes, kSizesAt + 8 * i)});
  }
  return out;
}

Result<Section> parse_section_header(std::span<const Byte, kSectionHeaderBytes> bytes, const TableRow& row) {
  const auto type = read_be<std::uint16_t>(bytes, 0);
  if (type < 1 || type > 5) return fail(Code::EIF_SECTION_TYPE, "", "1 to 5", std::to_string(type));
  const Section section{static_cast<SectionType>(type), row.offset + kSectionHeaderBytes, row.bytes};
  const auto flags = read_be<std::uint16_t>(bytes, 2);
  if (flags != 0) return fail(Code::EIF_SECTION_FLAGS, std::string(name(section.type)), "0", std::to_string(flags));
  const auto own = read_be<std::uint64_t>(bytes, 4);
  if (own != row.bytes) {
    return fail(Code::EIF_SECTION_SIZE, std::string(name(section.type)), std::to_string(row.bytes),
                std::to_string(own));
  }
  if (section.type == SectionType::signature && own > limits::kEifSignatureBytesMax) {
    return fail(Code::EIF_SIGNATURE_SIZE, "", "at most " + std::to_string(limits::kEifSignatureBytesMax) + " bytes",
                std::to_string(own));
  }
  return section;
}

Result<void> check_extent(const std::vector<TableRow>& table, std::uint64_t file_bytes) {
  std::uint64_t end = kHeaderBytes;
  for (const TableRow& row : table) {
    if (row.offset < end)
      return fail(Code::EIF_OVERLAP, "", "offset " + std::to_string(end), std::to_string(row.offset));
    // Compared by differences, so that no sum can overflow.
    if (row.offset > file_bytes || file_bytes - row.offset < kSectionHeaderBytes ||
        row.bytes > file_bytes - row.offset - kSectionHeaderBytes) {
      return fail(Code::EIF_TRUNCATED, "",
                  "a section of " + std::to_string(row.bytes) + " bytes at " + std::to_string(row.offset),
                  "a file of " + std::to_string(file_bytes));
    }
    end = end_of(row);
  }
  if (end != file_bytes)
    return fail(Code::EIF_TRAILING, "", std::to_string(end) + " bytes", std::to_string(file_bytes));
  return {};
}

std::uint64_t gap_bytes(const std::vector<TableRow>& table) {
  std::uint64_t end = kHeaderBytes;
  std::uint64_t gaps = 0;
  for (const TableRow& row : table) {
    gaps += row.offset - end;
    end = end_of(row);
  }
  return gaps;
}

Result<void> check_sections(const std::vector<Section>& sections, std::uint16_t version) {
  const auto count = [&](SectionType type) { return std::ranges::count(sections, type, &Section::type); };
  const auto wrong = [](std::string_view subject, std::string_view expected, auto got) {
    return fail(Code::EIF_SECTIONS, std::string(subject), std::string(expected), std::to_string(got));
  };
  for (const SectionType once : {SectionType::kernel, SectionType::cmdline}) {
    if (count(once) != 1) return wrong(name(once), "exactly one", count(once));
  }
  if (count(SectionType::ramdisk) == 0) return wrong("ramdisk", "one or more", 0);
  if (count(SectionType::signature) > 1) return wrong("signature", "at most one", count(SectionType::signature));
  const auto metadata = count(SectionType::metadata);
  if (metadata > 1 || (version >= 4 && metadata == 0)) {
    return wrong("metadata", version >= 4 ? "exactly one" : "at most one", metadata);
  }
  const auto kernel = std::ranges::find(sections, SectionType::kernel, &Section::type);
  const auto ramdisk = std::ranges::find(sections, SectionType::ramdisk, &Section::type);
  if (ramdisk < kernel) return fail(Code::EIF_SECTIONS, "ramdisk", "after the kernel", "before it");
  return {};
}

std::array<Byte, kHeaderBytes> write_file_header(const FileHeader& file) {
  std::array<Byte, kHeaderBytes> out{};
  std::ranges::copy(kMagic, out.begin());
  write_be<std::uint16_t>(out, kVersionAt, file.header.version);
  write_be<std::uint16_t>(out, kFlagsAt, file.header.arch == Arch::aarch64 ? kFlagAarch64 : 0);
  write_be<std::uint64_t>(out, kMemoryAt, file.header.default_memory_bytes);
  write_be<std::uint64_t>(out, kCpusAt, file.header.default_cpus);
  write_be<std::uint16_t>(out, kCountAt, static_cast<std::uint16_t>(file.table.size()));
  for (std::size_t i = 0; i < file.table.size(); ++i) {
    write_be<std::uint64_t>(out, kOffsetsAt + 8 * i, file.table[i].offset);
    write_be<std::uint64_t>(out, kSizesAt + 8 * i, file.table[i].bytes);
  }
  write_be<std::uint32_t>(out, kCrcOffset, file.header.crc);
  return out;
}

std::array<Byte, kSectionHeaderBytes> write_section_header(SectionType type, std::uint64_t bytes) {
  std::array<Byte, kSectionHeaderBytes> out{};
  write_be<std::uint16_t>(out, 0, static_cast<std::uint16_t>(type));
  write_be<std::uint64_t>(out, 4, bytes);
  return out;
}

}  // namespace cages::eif
