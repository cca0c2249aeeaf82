// SPDX-License-Identifier: Apache-2.0
#include "http/output.h"

namespace cages::http {

void Output::begin(std::string head, Framing framing) {
  pending_ += head;
  framing_ = framing;
  left_ = framing.kind == BodyKind::length ? framing.length : 0;
}

Task<Result<void>> Output::send(ByteView bytes) {
  while (sending_) co_await sent_.wait();
  if (broken_) co_return fail(Code::CLOSED, "a write that was cut short");
  struct Turn {
    Output& output;
    explicit Turn(Output& o) : output(o) { output.sending_ = output.broken_ = true; }
    ~Turn() {
      output.sending_ = false;
      output.sent_.notify();
    }
  } const turn(*this);
  const net::Deadline deadline(timers_, stream_, idle_);
  auto written = co_await stream_.write_all(bytes);
  if (written) broken_ = false;
  co_return written;
}

Task<Result<void>> Output::flush() {
  if (pending_.empty()) co_return Result<void>();
  const std::string pending = std::exchange(pending_, {});
  co_return co_await send(as_bytes(pending));
}

Task<Result<void>> Output::write(ByteView bytes) {
  if (bytes.empty() || framing_.kind == BodyKind::none) co_return Result<void>();
  if (framing_.kind == BodyKind::length) {
    if (bytes.size() > left_) co_return fail(Code::INTERNAL, "body", std::to_string(left_) + " bytes more", "too many");
    left_ -= bytes.size();
  }
  if (framing_.kind == BodyKind::chunked) pending_ += write_chunk_head(bytes.size());
  pending_ += as_text(bytes);
  if (framing_.kind == BodyKind::chunked) pending_ += "\r\n";
  co_return co_await flush();
}

Task<Result<void>> Output::finish(const Headers& trailers) {
  if (left_ != 0) co_return fail(Code::INTERNAL, "body", std::to_string(left_) + " bytes more", "its end");
  if (framing_.kind == BodyKind::chunked) {
    CO_TRY_ASSIGN(const std::string last, write_last_chunk(trailers));
    pending_ += last;
  }
  framing_ = {};
  co_return co_await flush();
}

}  // namespace cages::http
