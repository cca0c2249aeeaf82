// SPDX-License-Identifier: Apache-2.0
#include "net/framing.h"

#include <array>

#include "base/limits.h"

namespace cages::net {

Task<Result<Bytes>> read_frame(Stream& stream) {
  std::array<Byte, 4> prefix{};
  CO_TRY(co_await read_exact(stream, prefix));
  const std::size_t length = std::size_t{prefix[0]} << 24 | std::size_t{prefix[1]} << 16 | std::size_t{prefix[2]} << 8 |
                             std::size_t{prefix[3]};
  if (length == 0 || length > limits::kFrameBytesMax) {
    co_return fail(Code::FRAME, "", "1 to " + std::to_string(limits::kFrameBytesMax) + " bytes",
                   std::to_string(length));
  }
  Bytes payload(length);
  CO_TRY(co_await read_exact(stream, payload));
  co_return payload;
}

}  // namespace cages::net
