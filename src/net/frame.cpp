// SPDX-License-Identifier: Apache-2.0
#include "net/frame.h"

#include <algorithm>
#include <array>

#include "base/limits.h"

namespace cages::net {
namespace {

constexpr std::size_t kHeadBytes = 4;
constexpr std::size_t kStepBytes = 8192;

Task<Result<void>> read_part(Stream& stream, std::span<Byte> into) {
  auto read = co_await read_exact(stream, into);
  if (!read && read.error().code == Code::CLOSED)
    co_return fail(Code::FRAME, "", "a whole frame", "the end of the stream");
  co_return read;
}

}  // namespace

Task<Result<Bytes>> read_frame(Stream& stream) {
  std::array<Byte, kHeadBytes> head{};
  CO_TRY_ASSIGN(const std::size_t first, co_await stream.read_some(head));
  if (first == 0) co_return fail(Code::CLOSED, "", "a frame", "the end of the stream");
  CO_TRY(co_await read_part(stream, std::span(head).subspan(first)));
  const std::size_t length =
      std::size_t{head[0]} << 24 | std::size_t{head[1]} << 16 | std::size_t{head[2]} << 8 | head[3];
  if (length > limits::kFrameBytesMax) {
    co_return fail(Code::FRAME, "", "at most " + std::to_string(limits::kFrameBytesMax) + " bytes",
                   std::to_string(length));
  }
  Bytes payload;
  while (payload.size() < length) {
    const std::size_t used = payload.size();
    payload.resize(std::min(length, used + kStepBytes));
    CO_TRY(co_await read_part(stream, std::span(payload).subspan(used)));
  }
  co_return payload;
}

Task<Result<void>> write_frame(Stream& stream, ByteView payload) {
  if (payload.size() > limits::kFrameBytesMax) {
    co_return fail(Code::FRAME, "", "at most " + std::to_string(limits::kFrameBytesMax) + " bytes",
                   std::to_string(payload.size()));
  }
  const auto length = static_cast<std::uint32_t>(payload.size());
  Bytes whole{static_cast<Byte>(length >> 24), static_cast<Byte>(length >> 16), static_cast<Byte>(length >> 8),
              static_cast<Byte>(length)};
  append(whole, payload);
  co_return co_await stream.write_all(whole);
}

}  // namespace cages::net
