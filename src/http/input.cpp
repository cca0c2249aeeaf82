// SPDX-License-Identifier: Apache-2.0
#include "http/input.h"

#include <algorithm>

#include "base/limits.h"

namespace cages::http {

Task<Result<std::size_t>> Input::more() {
  // What was consumed goes, or a body of many small chunks would pile up.
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(begin_));
  begin_ = 0;
  // The first read of an idle connection waits with a small buffer. It is none of ours until the bytes are there: a
  // read that is cancelled leaves nothing behind.
  Bytes piece(buffer_.empty() ? limits::kRelayIdleBufferBytes : limits::kHttpReadBytes);
  auto n = co_await stream_.read_some(piece);
  if (n) append(buffer_, ByteView(piece).first(*n));
  co_return n;
}

void Input::consume(std::size_t count) {
  begin_ += count;
  if (begin_ < buffer_.size()) return;
  // An idle connection keeps no buffer.
  buffer_ = Bytes();
  begin_ = 0;
}

Task<Result<std::string>> Input::read_head(Nanoseconds idle, Nanoseconds time) {
  net::Deadline deadline(timers_, stream_, buffered() ? time : idle);
  bool begun = buffered();
  std::size_t scanned = 0;
  for (;;) {
    CO_TRY_ASSIGN(const std::size_t end, head_end(arrived(), scanned));
    if (end > limits::kHttpHeadBytesMax || (end == 0 && arrived().size() > limits::kHttpHeadBytesMax)) {
      co_return fail(Code::LIMIT, "head", "at most " + std::to_string(limits::kHttpHeadBytesMax) + " bytes", "more");
    }
    if (end != 0) {
      std::string head(arrived().substr(0, end));
      consume(end);
      co_return head;
    }
    CO_TRY_ASSIGN(const std::size_t n, co_await more());
    if (n == 0 && !begun) co_return std::string();
    if (n == 0) co_return fail(Code::CLOSED, "head", "a whole head", "the end of the stream");
    if (!begun) deadline.set(time);
    begun = true;
  }
}

Task<Result<std::size_t>> Input::read_some(std::span<Byte> into, Nanoseconds idle) {
  if (!buffered()) {
    const net::Deadline deadline(timers_, stream_, idle);
    co_return co_await stream_.read_some(into);
  }
  const std::string_view have = arrived();
  const std::size_t n = std::min(have.size(), into.size());
  std::copy_n(have.begin(), n, into.begin());
  consume(n);
  co_return n;
}

Task<Result<std::string>> Input::read_line(std::size_t bytes_max, Nanoseconds idle) {
  const net::Deadline deadline(timers_, stream_, idle);
  for (;;) {
    const std::string_view have = arrived();
    const std::size_t end = have.find('\n');
    if (end != std::string_view::npos) {
      std::string line(have.substr(0, end));
      consume(end + 1);
      const bool good = line.ends_with('\r') && line.find('\r') == line.size() - 1 && line.size() <= bytes_max + 1;
      if (!good) co_return fail(Code::HTTP_FRAMING, "a line", "CRLF at its end", printable(line));
      line.pop_back();
      co_return line;
    }
    if (have.size() > bytes_max + 1)
      co_return fail(Code::HTTP_FRAMING, "a line", "at most " + std::to_string(bytes_max), "more");
    CO_TRY_ASSIGN(const std::size_t n, co_await more());
    if (n == 0) co_return fail(Code::CLOSED, "body", "its end", "the end of the stream");
  }
}

WireBody::WireBody(Input& input, Framing framing, Nanoseconds idle, std::function<Task<Result<void>>()> before)
    : input_(input),
      framing_(framing),
      idle_(idle),
      before_(std::move(before)),
      left_(framing.kind == BodyKind::length ? framing.length : 0),
      ended_(framing.kind == BodyKind::none || (framing.kind == BodyKind::length && framing.length == 0)) {}

std::optional<std::uint64_t> WireBody::length() const {
  if (framing_.kind == BodyKind::none) return 0;
  if (framing_.kind == BodyKind::length) return framing_.length;
  return std::nullopt;
}

Task<Result<std::size_t>> WireBody::read_some(std::span<Byte> into) {
  if (ended_) co_return std::size_t{0};
  if (failed_) co_return fail(Code::CLOSED, "body");
  if (before_ && !input_.buffered()) {
    const auto before = std::exchange(before_, {});
    CO_TRY(co_await before());
  }
  // Until the read has ended well nobody knows where in the body we are: not after an error, nor where it was
  // cancelled.
  failed_ = true;
  auto n = co_await read_piece(into);
  if (n) failed_ = false;
  co_return n;
}

Task<Result<std::size_t>> WireBody::read_piece(std::span<Byte> into) {
  if (framing_.kind == BodyKind::until_close) {
    CO_TRY_ASSIGN(const std::size_t n, co_await input_.read_some(into, idle_));
    ended_ = n == 0;
    co_return n;
  }
  if (framing_.kind == BodyKind::chunked && left_ == 0) {
    CO_TRY(co_await next_chunk());
    if (ended_) co_return std::size_t{0};
  }
  const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left_));
  CO_TRY_ASSIGN(const std::size_t n, co_await input_.read_some(into.first(part), idle_));
  if (n == 0) co_return fail(Code::CLOSED, "body", std::to_string(left_) + " bytes more", "the end of the stream");
  left_ -= n;
  if (left_ == 0 && framing_.kind == BodyKind::length) ended_ = true;
  co_return n;
}

Task<Result<void>> WireBody::next_chunk() {
  if (!first_chunk_) {
    CO_TRY_ASSIGN(const std::string after, co_await input_.read_line(0, idle_));
    if (!after.empty()) co_return fail(Code::HTTP_FRAMING, "a chunk", "CRLF after its data", printable(after));
  }
  first_chunk_ = false;
  CO_TRY_ASSIGN(const std::string line, co_await input_.read_line(limits::kHttpChunkLineBytesMax, idle_));
  CO_TRY_ASSIGN(left_, parse_chunk_line(line));
  if (left_ != 0) co_return Result<void>();
  std::string lines;
  for (;;) {
    CO_TRY_ASSIGN(const std::string field, co_await input_.read_line(limits::kHttpTrailerBytesMax, idle_));
    if (lines.size() + field.size() > limits::kHttpTrailerBytesMax) co_return fail(Code::LIMIT, "trailers");
    lines += field + "\r\n";
    if (field.empty()) break;
  }
  CO_TRY_ASSIGN(trailers_, parse_trailers(lines));
  ended_ = true;
  co_return Result<void>();
}

}  // namespace cages::http
