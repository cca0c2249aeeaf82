// SPDX-License-Identifier: Apache-2.0
// Framing: length-prefixed messages on a stream (docs/protocol.md, FRAME). What is inside a frame is wire/'s business.
// For every part that speaks frames; not for HTTP.
#pragma once

#include "base/bytes.h"
#include "net/stream.h"

namespace cages::net {

// read_frame waits for one whole frame and returns the bytes after its length. FRAME on a length of 0 or above
// kFrameBytesMax, before anything is allocated; CLOSED where the peer ended, at a frame's edge or inside one.
Task<Result<Bytes>> read_frame(Stream& stream);

}  // namespace cages::net
