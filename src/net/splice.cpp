// SPDX-License-Identifier: Apache-2.0
#include "net/splice.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "net/event_loop.h"

namespace cages::net {
namespace {

constexpr unsigned kFlags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
// A round that brings less is a small one; this many in a row, and copying is as good.
constexpr std::size_t kSmallBytes = 8 * 1024;
constexpr unsigned kSmallRounds = 16;

Error splice_error(int number) {
  if (number == ECONNRESET || number == EPIPE || number == ENOTCONN || number == EBADF) return Error(Code::CLOSED);
  if (number == ETIMEDOUT) return Error(Code::TIMEOUT);
  return errno_error("splice", number);
}

}  // namespace

std::optional<SplicePipe> SplicePipe::make() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return std::nullopt;
  SplicePipe pipe{Fd(ends[0]), Fd(ends[1])};
  // Where the user's pipe pages are used up it stays as small as it is.
  std::ignore = ::fcntl(pipe.in_.get(), F_SETPIPE_SZ, static_cast<int>(kSplicePipeBytes));
  return pipe;
}

Task<Result<Spliced>> SplicePipe::move(RawStream& from, RawStream& to, std::uint64_t& bytes) {
  for (unsigned small = 0; small < kSmallRounds;) {
    const ssize_t n = ::splice(from.raw(), nullptr, in_.get(), nullptr, kSplicePipeBytes, kFlags);
    if (n == 0) co_return Spliced::ended;
    if (n < 0) {
      const int number = errno;
      if (number == EINVAL) co_return Spliced::not_here;
      if (number != EAGAIN && number != EINTR) co_return fail(splice_error(number));
      CO_TRY(co_await from.wait_read());
      continue;
    }
    held_ = static_cast<std::size_t>(n);
    small = held_ < kSmallBytes ? small + 1 : 0;
    CO_TRY(co_await drain(to));
    bytes += static_cast<std::uint64_t>(n);
    // A sender that is faster than this loop must not keep it from the others.
    co_await yield();
  }
  co_return Spliced::small;
}

Task<Result<void>> SplicePipe::drain(RawStream& to) {
  while (held_ > 0) {
    const ssize_t n = ::splice(out_.get(), nullptr, to.raw(), nullptr, held_, kFlags);
    if (n > 0) {
      held_ -= static_cast<std::size_t>(n);
      continue;
    }
    const int number = errno;
    if (n < 0 && number == EINVAL) co_return co_await copy_out(to);
    if (n == 0 || (number != EAGAIN && number != EINTR)) co_return fail(splice_error(number));
    CO_TRY(co_await to.wait_write());
  }
  co_return Result<void>();
}

// What is in the pipe already, where `to` takes no pages.
Task<Result<void>> SplicePipe::copy_out(RawStream& to) {
  Bytes buffer(kSmallBytes);
  while (held_ > 0) {
    const ssize_t n = ::read(out_.get(), buffer.data(), buffer.size());
    if (n <= 0) co_return fail(splice_error(errno));
    CO_TRY(co_await to.write_all(ByteView(buffer).first(static_cast<std::size_t>(n))));
    held_ -= static_cast<std::size_t>(n);
  }
  co_return Result<void>();
}

}  // namespace cages::net
