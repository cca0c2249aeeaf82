// SPDX-License-Identifier: Apache-2.0
// Splice: bytes from one descriptor to another without copying them through this process (splice(2), by way of a pipe). For
// relay.cpp: only where much flows, because a pipe costs two descriptors and small messages gain nothing.
#pragma once

#include <cstdint>
#include <optional>

#include "base/file.h"
#include "net/stream.h"

namespace cages::net {

inline constexpr std::size_t kSplicePipeBytes = 256 * 1024;  // held of one direction at most, while it splices

// A stream that is a descriptor and nothing more: no TLS over it, no bytes read ahead of it.
class RawStream : public Stream {
 public:
  // raw returns its descriptor, -1 once closed. It stays the stream's.
  [[nodiscard]] virtual int raw() const = 0;
  // wait_read, wait_write return when it may go on, or with the stream's reason where it was closed.
  virtual Task<Result<void>> wait_read() = 0;
  virtual Task<Result<void>> wait_write() = 0;
};

enum class Spliced : std::uint8_t {
  ended,  // `from` ended; everything has been handed on
  small,  // too little came at a time to be worth it; nothing is held
  not_here,  // the kernel does not splice this kind of socket; nothing is held, nothing was lost
};

// A pipe for one direction.
class SplicePipe {
 public:
  // make: none where there is no descriptor left.
  static std::optional<SplicePipe> make();
  // move carries bytes from `from` to `to` for as long as it pays, adding to `bytes`. Errors as the streams'.
  Task<Result<Spliced>> move(RawStream& from, RawStream& to, std::uint64_t& bytes);

 private:
  SplicePipe(Fd out, Fd in) : out_(std::move(out)), in_(std::move(in)) {}
  Task<Result<void>> drain(RawStream& to);
  Task<Result<void>> copy_out(RawStream& to);
  Fd out_;
  Fd in_;
  std::size_t held_ = 0;
};

}  // namespace cages::net
