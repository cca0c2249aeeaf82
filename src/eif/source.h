// SPDX-License-Identifier: Apache-2.0
// Source: bytes that can be read at any offset, from a file or from memory. For the reader of images; nothing is ever
// loaded whole.
#pragma once

#include <filesystem>
#include <memory>

#include "base/bytes.h"
#include "base/file.h"

namespace cages::eif {

class Source {
 public:
  virtual ~Source() = default;
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  // read_at fills `into` from `offset`; EIF_TRUNCATED where the source ends before, IO where it cannot be read.
  [[nodiscard]] virtual Result<void> read_at(std::uint64_t offset, std::span<Byte> into) const = 0;
};

// open_source opens a regular file for reading; IO where that fails or it is none.
Result<std::shared_ptr<const Source>> open_source(const std::filesystem::path& path);
// memory_source looks into `bytes`, which must outlive it. For tests and fuzzers.
std::shared_ptr<const Source> memory_source(ByteView bytes);

}  // namespace cages::eif
