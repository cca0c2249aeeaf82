// SPDX-License-Identifier: Apache-2.0
#include "net/frame.h"

#include <algorithm>
#include <array>

#include "base/limits.h"

namespace cages::net {
namespace {

constexpr std::size_t kHeadBytes = 4;
constexpr std::size_t kShortHeadBytes = 2;
constexpr std::size_t kStepBytes = 8192;

Task<Result<void>> read_part(Stream& stream, std::span<Byte> into) {
  auto read = co_await read_exact(stream, into);
  if (!read && read.error().code == Code::CLOSED)
    co_return fail(Code::FRAME, "", "a whole frame", "the end of the stream");
  co_return read;
}

Task<Result<Bytes>> read_behind(Stream& stream, std::span<Byte> head, std::size_t bytes_max) {
  CO_TRY_ASSIGN(const std::size_t first, co_await stream.read_some(head));
  if (first == 0) co_return fail(Code::CLOSED, "", "a frame", "the end of the stream");
  CO_TRY(co_await read_part(stream, head.subspan(first)));
  std::size_t length = 0;
  for (const Byte b : head) length = length << 8 | b;
  if (length > bytes_max) {
    co_return fail(Code::FRAME, "", "at most " + std::to_string(bytes_max) + " bytes", std::to_string(length));
  }
  Bytes payload;
  while (payload.size() < length) {
    const std::size_t used = payload.size();
    payload.resize(std::min(length, used + kStepBytes));
    CO_TRY(co_await read_part(stream, std::span(payload).subspan(used)));
  }
  co_return payload;
}

}  // namespace

Task<Result<Bytes>> read_frame(Stream& stream) {
  std::array<Byte, kHeadBytes> head{};
  co_return co_await read_behind(stream, head, limits::kFrameBytesMax);
}

Task<Result<Bytes>> read_short_frame(Stream& stream, std::size_t bytes_max) {
  std::array<Byte, kShortHeadBytes> head{};
  co_return co_await read_behind(stream, head, bytes_max);
}

Task<Result<void>> write_short_frame(Stream& stream, ByteView payload) {
  constexpr std::size_t kBytesMax = 65535;
  if (payload.size() > kBytesMax) co_return fail(Code::FRAME, "", "", std::to_string(payload.size()));
  Bytes whole{static_cast<Byte>(payload.size() >> 8), static_cast<Byte>(payload.size())};
  append(whole, payload);
  co_return co_await stream.write_all(whole);
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
