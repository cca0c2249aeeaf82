// SPDX-License-Identifier: Apache-2.0
// What an enclave image consists of (nitro.md §1.1, §1.2, §1.4). Values only: reading is read.h, writing write.h.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "crypto/hash.h"

namespace cages::eif {

enum class SectionType : std::uint16_t { kernel = 1, cmdline = 2, ramdisk = 3, signature = 4, metadata = 5 };
enum class Arch : std::uint8_t { x86_64, aarch64 };

// "kernel", "cmdline", …; "x86_64", "aarch64".
std::string_view name(SectionType type);
std::string_view name(Arch arch);

inline constexpr std::size_t kHeaderBytes = 548;
inline constexpr std::size_t kCrcOffset = 544;  // the checksum covers everything but itself
inline constexpr std::size_t kSectionHeaderBytes = 12;
inline constexpr std::uint16_t kVersionMin = 2;
inline constexpr std::uint16_t kVersionMax = 4;
inline constexpr std::uint64_t kDefaultMemoryBytes = 1073741824;  // what AWS's writer puts there; not measured
inline constexpr std::uint64_t kDefaultCpus = 2;
// Stands in the kernel section of an image without a kernel (interfaces: EIF).
inline constexpr std::string_view kNoKernel = "cages: no kernel\n";

struct Section {
  SectionType type;
  std::uint64_t offset;  // of the data, from the start of the file
  std::uint64_t bytes;   // of the data
};

// The fields of the file header that are not the section table.
struct Header {
  std::uint16_t version = kVersionMax;
  Arch arch = Arch::x86_64;
  std::uint64_t default_memory_bytes = kDefaultMemoryBytes;
  std::uint64_t default_cpus = kDefaultCpus;
  std::uint32_t crc = 0;
};

// What the hypervisor measures. Equal PCRs do not mean equal files: header, metadata and the boundaries between
// sections are not measured.
struct Measurements {
  crypto::Digest384 pcr0{};
  crypto::Digest384 pcr1{};
  crypto::Digest384 pcr2{};
  std::optional<crypto::Digest384> pcr8;  // none: not signed (the hypervisor then shows zeros)
  friend bool operator==(const Measurements&, const Measurements&) = default;
};

// Takes the pieces of a section as they are read or made.
using Sink = std::function<Result<void>(ByteView)>;

}  // namespace cages::eif
