// SPDX-License-Identifier: Apache-2.0
#include "net/stream.h"

#include <algorithm>

namespace cages::net {

Task<Result<void>> read_exact(Stream& stream, std::span<Byte> into) {
  while (!into.empty()) {
    CO_TRY_ASSIGN(const std::size_t n, co_await stream.read_some(into));
    if (n == 0) co_return fail(Code::CLOSED, "", std::to_string(into.size()) + " bytes more", "the end of the stream");
    into = into.subspan(n);
  }
  co_return Result<void>();
}

Task<Result<Bytes>> read_until_end(Stream& stream, std::size_t bytes_max) {
  constexpr std::size_t kFirst = 1024;
  Bytes content(std::min(kFirst, bytes_max + 1));
  std::size_t used = 0;
  for (;;) {
    CO_TRY_ASSIGN(const std::size_t n, co_await stream.read_some(std::span(content).subspan(used)));
    used += n;
    if (n == 0) break;
    if (used > bytes_max) co_return fail(Code::LIMIT, "", "at most " + std::to_string(bytes_max) + " bytes", "more");
    if (used == content.size()) content.resize(std::min(2 * used, bytes_max + 1));
  }
  content.resize(used);
  co_return content;
}

}  // namespace cages::net
