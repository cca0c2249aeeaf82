// SPDX-License-Identifier: Apache-2.0
// Input: what arrives on a connection, cut into heads and bodies; nothing that belongs to the next message is lost or
// glued to this one. For server.cpp and client.cpp.
#pragma once

#include <functional>
#include <optional>

#include "http/parse.h"
#include "net/deadline.h"
#include "net/stream.h"

namespace cages::http {

class Input {
 public:
  // lifetime: both outlive the input.
  Input(net::Timers& timers, net::Stream& stream) : timers_(timers), stream_(stream) {}

  // read_head returns the next head, or "" where the stream ended before its first byte. TIMEOUT after `idle` without a
  // first byte or `time` from then on; LIMIT above kHttpHeadBytesMax; HTTP_SYNTAX at the first byte that no head can
  // have.
  Task<Result<std::string>> read_head(Nanoseconds idle, Nanoseconds time);
  // read_some returns what is buffered, else what comes within `idle`; 0 at the end.
  Task<Result<std::size_t>> read_some(std::span<Byte> into, Nanoseconds idle);
  // read_line returns the next line without its CRLF; HTTP_FRAMING where it is longer than `bytes_max` or ends
  // otherwise.
  Task<Result<std::string>> read_line(std::size_t bytes_max, Nanoseconds idle);
  [[nodiscard]] bool buffered() const { return begin_ != buffer_.size(); }

 private:
  // more reads once into the buffer; 0 at the end.
  Task<Result<std::size_t>> more();
  [[nodiscard]] std::string_view arrived() const { return as_text(ByteView(buffer_).subspan(begin_)); }
  void consume(std::size_t count);

  net::Timers& timers_;
  net::Stream& stream_;
  Bytes buffer_;
  std::size_t begin_ = 0;
};

// A message's body as it arrives. lifetime: `input` outlives it.
class WireBody final : public Body {
 public:
  // `before` is called once, before the first read that has to wait (for 100 Continue); may be empty.
  WireBody(Input& input, Framing framing, Nanoseconds idle, std::function<Task<Result<void>>()> before = {});
  Task<Result<std::size_t>> read_some(std::span<Byte> into) override;
  [[nodiscard]] std::optional<std::uint64_t> length() const override;
  [[nodiscard]] const Headers& trailers() const override { return trailers_; }
  [[nodiscard]] bool ready() const override {
    // Between chunks what is buffered may be half a line.
    return ended_ || (input_.buffered() && (framing_.kind != BodyKind::chunked || left_ != 0));
  }
  // ended: all of it was read, so that the next message follows.
  [[nodiscard]] bool ended() const { return ended_; }
  // failed: an error was returned; what follows on the connection cannot be told.
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  Task<Result<std::size_t>> read_piece(std::span<Byte> into);
  Task<Result<void>> next_chunk();
  Input& input_;
  Framing framing_;
  Nanoseconds idle_;
  std::function<Task<Result<void>>()> before_;
  std::uint64_t left_;  // of the body, or of the chunk
  bool first_chunk_ = true;
  bool ended_ = false;
  bool failed_ = false;
  Headers trailers_;
};

// A connection after both sides agreed to change the protocol: what is buffered already comes first.
class UpgradedStream final : public net::Stream {
 public:
  UpgradedStream(Input& input, net::Stream& stream, Nanoseconds idle) : input_(input), stream_(stream), idle_(idle) {}
  Task<Result<std::size_t>> read_some(std::span<Byte> into) override { return input_.read_some(into, idle_); }
  Task<Result<void>> write_all(ByteView bytes) override { return stream_.write_all(bytes); }
  Task<Result<void>> shutdown_write() override { return stream_.shutdown_write(); }
  void close(Code reason = Code::CLOSED) override { stream_.close(reason); }

 private:
  Input& input_;
  net::Stream& stream_;
  Nanoseconds idle_;
};

}  // namespace cages::http
