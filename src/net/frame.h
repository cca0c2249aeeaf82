// SPDX-License-Identifier: Apache-2.0
// FRAME (interfaces): u32 big-endian length, at most kFrameBytesMax, then that many bytes. For messages of wire/ over a
// stream; what the bytes mean is theirs.
#pragma once

#include "net/stream.h"

namespace cages::net {

// read_frame returns the next payload. FRAME where it announces too much or is cut short; CLOSED where the stream ends
// before its first byte. Memory grows with what arrives, not with what is announced.
Task<Result<Bytes>> read_frame(Stream& stream);
// write_frame: FRAME where `payload` is too long.
Task<Result<void>> write_frame(Stream& stream, ByteView payload);

// read_short_frame, write_short_frame: the same behind a u16, as DNS over TCP has it (RFC 1035 §4.2.2); FRAME above
// `bytes_max`.
Task<Result<Bytes>> read_short_frame(Stream& stream, std::size_t bytes_max);
Task<Result<void>> write_short_frame(Stream& stream, ByteView payload);

}  // namespace cages::net
