// SPDX-License-Identifier: Apache-2.0
// Source and Sink: content that is streamed because it is too big to hold. For image/ and those who read or write
// ramdisks. Synchronous: network traffic has net/stream.h.
#pragma once

#include <functional>

#include "base/bytes.h"
#include "base/result.h"

namespace cages::image {

// Fills the front of the span and returns how many bytes came; 0 = the end.
using Source = std::function<Result<std::size_t>(std::span<Byte>)>;
// Takes all of the bytes or fails.
using Sink = std::function<Result<void>(ByteView)>;

// source_of reads from memory. lifetime: the bytes outlive the source.
Source source_of(ByteView bytes);
// file_source reads a descriptor at its own position, not the descriptor's: from `offset`, at most `length` bytes.
// lifetime: the descriptor stays open.
Source file_source(int fd, std::uint64_t offset, std::uint64_t length);
// file_sink writes at the descriptor's position.
Sink file_sink(int fd);
// sink_to appends to `bytes`; LIMIT above `bytes_max`.
Sink sink_to(Bytes& bytes, std::size_t bytes_max);
// fill reads until `into` is full or the source ends, and returns how much came.
Result<std::size_t> fill(const Source& source, std::span<Byte> into);

}  // namespace cages::image
