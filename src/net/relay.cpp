// SPDX-License-Identifier: Apache-2.0
#include "net/relay.h"

#include <optional>

#include "net/event_loop.h"
#include "net/read_buffer.h"
#include "net/splice.h"

namespace cages::net {
namespace {

// Closes both streams when nothing moved for `time`. Looks again instead of being set anew at each read.
class IdleWatch {
 public:
  IdleWatch(Timers& timers, Stream& a, Stream& b, Nanoseconds time, const Relayed& counts)
      : timers_(timers), a_(a), b_(b), time_(time), counts_(counts) {
    arm();
  }
  ~IdleWatch() {
    if (entry_) timers_.cancel(*entry_);
  }
  IdleWatch(const IdleWatch&) = delete;
  IdleWatch& operator=(const IdleWatch&) = delete;

 private:
  void arm() {
    seen_ = counts_.forward_bytes + counts_.backward_bytes;
    entry_ = timers_.call_after(time_, [this] {
      entry_.reset();
      if (counts_.forward_bytes + counts_.backward_bytes != seen_) return arm();
      a_.close(Code::TIMEOUT);
      b_.close(Code::TIMEOUT);
    });
  }
  Timers& timers_;
  Stream& a_;
  Stream& b_;
  Nanoseconds time_;
  const Relayed& counts_;
  std::uint64_t seen_ = 0;
  std::optional<Timers::Queue::iterator> entry_;
};

constexpr unsigned kFullBeforeSplice = 4;  // large reads in a row

Task<Result<Spliced>> splice(RawStream& from, RawStream& to, std::uint64_t& bytes) {
  auto pipe = SplicePipe::make();
  if (!pipe) co_return Spliced::not_here;
  co_return co_await pipe->move(from, to, bytes);
}

}  // namespace

Task<Result<void>> copy_all(Stream& from, Stream& to, std::uint64_t& bytes) {
  // Where both are bare descriptors and much flows, it flows past this process.
  auto* const raw_from = dynamic_cast<RawStream*>(&from);
  auto* const raw_to = dynamic_cast<RawStream*>(&to);
  bool may_splice = raw_from != nullptr && raw_to != nullptr;
  unsigned full = 0;
  ReadBuffer buffer;
  for (;;) {
    const std::span<Byte> into = buffer.next();
    CO_TRY_ASSIGN(const std::size_t n, co_await from.read_some(into));
    if (n == 0) co_return co_await to.shutdown_write();
    CO_TRY(co_await to.write_all(into.first(n)));
    bytes += n;
    full = n >= limits::kRelayBufferBytes / 2 ? full + 1 : 0;
    buffer.adapt(n);
    if (!may_splice || full < kFullBeforeSplice) continue;
    full = 0;
    buffer = ReadBuffer();
    CO_TRY_ASSIGN(const Spliced spliced, co_await splice(*raw_from, *raw_to, bytes));
    if (spliced == Spliced::ended) co_return co_await to.shutdown_write();
    may_splice = spliced != Spliced::not_here;
  }
}

Task<Result<void>> relay(Timers& timers, Stream& a, Stream& b, Nanoseconds idle, Relayed& counts) {
  Result<void> outcome;
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines): it outlives the await below
  auto direction = [&](Stream& from, Stream& to, std::uint64_t& bytes) -> Task<void> {
    auto copied = co_await copy_all(from, to, bytes);
    if (copied) co_return;
    if (outcome) outcome = copied;
    a.close(copied.error().code);
    b.close(copied.error().code);
  };
  {
    const IdleWatch watch(timers, a, b, idle, counts);
    co_await together(direction(a, b, counts.forward_bytes), direction(b, a, counts.backward_bytes));
  }
  a.close();
  b.close();
  co_return outcome;
}

}  // namespace cages::net
