// SPDX-License-Identifier: Apache-2.0
#include "net/memory.h"

#include <algorithm>
#include <deque>

#include "net/event.h"

namespace cages::net {
namespace {

// One direction.
struct Pipe {
  explicit Pipe(std::size_t max) : bytes_max(max) {}
  std::size_t bytes_max;
  std::deque<Byte> bytes;
  bool ended = false;   // the writer will write no more
  bool broken = false;  // the reader is gone
  Event changed;
};

class MemoryStream final : public Stream {
 public:
  MemoryStream(std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out) : in_(std::move(in)), out_(std::move(out)) {}
  ~MemoryStream() override { close(Code::CLOSED); }
  MemoryStream(const MemoryStream&) = delete;
  MemoryStream& operator=(const MemoryStream&) = delete;

  Task<Result<std::size_t>> read_some(std::span<Byte> into) override {
    while (open_ && in_->bytes.empty() && !in_->ended) co_await in_->changed.wait();
    if (!open_) co_return fail(reason_);
    const std::size_t n = std::min(into.size(), in_->bytes.size());
    std::copy_n(in_->bytes.begin(), n, into.begin());
    in_->bytes.erase(in_->bytes.begin(), in_->bytes.begin() + static_cast<std::ptrdiff_t>(n));
    in_->changed.notify();
    co_return n;
  }
  Task<Result<void>> write_all(ByteView bytes) override {
    while (!bytes.empty()) {
      while (open_ && !out_->broken && out_->bytes.size() >= out_->bytes_max) co_await out_->changed.wait();
      if (!open_) co_return fail(reason_);
      if (out_->broken || out_->ended) co_return fail(Code::CLOSED);
      const std::size_t n = std::min(bytes.size(), out_->bytes_max - out_->bytes.size());
      out_->bytes.insert(out_->bytes.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
      bytes = bytes.subspan(n);
      out_->changed.notify();
    }
    if (!open_) co_return fail(reason_);
    co_return Result<void>();
  }
  Task<Result<void>> shutdown_write() override {
    if (!open_) co_return fail(reason_);
    out_->ended = true;
    out_->changed.notify();
    co_return Result<void>();
  }
  void close(Code reason) override {
    if (!open_) return;
    open_ = false;
    reason_ = reason;
    out_->ended = true;
    in_->broken = true;
    in_->bytes.clear();
    out_->changed.notify();
    in_->changed.notify();
  }

 private:
  std::shared_ptr<Pipe> in_;
  std::shared_ptr<Pipe> out_;
  bool open_ = true;
  Code reason_ = Code::CLOSED;
};

class HostileStream final : public Stream {
 public:
  HostileStream(EventLoop& loop, StreamPtr inner, std::uint64_t seed, Hostility hostility)
      : loop_(loop), inner_(std::move(inner)), random_(seed), hostility_(hostility) {}

  Task<Result<std::size_t>> read_some(std::span<Byte> into) override {
    co_await trouble();
    auto n = co_await inner_->read_some(into.first(part(into.size())));
    if (n && *n != 0 && chance(hostility_.flip)) into[pick(*n - 1)] ^= static_cast<Byte>(1U << pick(7));
    co_return n;
  }
  Task<Result<void>> write_all(ByteView bytes) override {
    while (!bytes.empty()) {
      co_await trouble();
      const std::size_t n = part(bytes.size());
      CO_TRY(co_await inner_->write_all(bytes.first(n)));
      bytes = bytes.subspan(n);
    }
    co_return Result<void>();
  }
  Task<Result<void>> shutdown_write() override {
    co_await trouble();
    co_return co_await inner_->shutdown_write();
  }
  void close(Code reason) override { inner_->close(reason); }

 private:
  bool chance(double p) { return std::bernoulli_distribution(p)(random_); }
  std::size_t pick(std::size_t max) { return std::uniform_int_distribution<std::size_t>(0, max)(random_); }
  std::size_t part(std::size_t whole) {
    if (whole <= 1 || !chance(hostility_.split)) return whole;
    return 1 + pick(chance(0.5) ? std::min<std::size_t>(whole - 1, 8) : whole - 1);
  }
  Task<void> trouble() {
    if (chance(hostility_.cut)) inner_->close();
    if (chance(hostility_.delay)) {
      const auto longest = static_cast<std::size_t>(hostility_.delay_max.count());
      co_await loop_.timers().sleep(Nanoseconds(static_cast<std::int64_t>(pick(longest))));
    }
    if (chance(hostility_.yield)) {
      for (std::size_t turns = 1 + pick(3); turns > 0; --turns) co_await yield();
    }
  }
  EventLoop& loop_;
  StreamPtr inner_;
  std::mt19937_64 random_;
  Hostility hostility_;
};

}  // namespace

std::pair<StreamPtr, StreamPtr> memory_pair(std::size_t bytes_max) {
  const auto there = std::make_shared<Pipe>(bytes_max);
  const auto back = std::make_shared<Pipe>(bytes_max);
  return {std::make_unique<MemoryStream>(back, there), std::make_unique<MemoryStream>(there, back)};
}

class MemoryPorts::Port final : public Listener {
 public:
  Port(MemoryPorts& ports, std::uint32_t number) : ports_(ports), number_(number) { ports_.open_[number] = this; }
  ~Port() override { close(); }
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;
  Task<Result<Accepted>> accept() override {
    while (open_ && queue_.empty()) co_await changed_.wait();
    if (!open_) co_return fail(Code::CLOSED);
    Accepted accepted = std::move(queue_.front());
    queue_.pop_front();
    co_return accepted;
  }
  void close() override {
    if (!open_) return;
    open_ = false;
    ports_.open_.erase(number_);
    queue_.clear();
    changed_.notify();
  }
  [[nodiscard]] std::uint32_t port() const override { return number_; }
  void offer(Accepted accepted) {
    queue_.push_back(std::move(accepted));
    changed_.notify();
  }

 private:
  MemoryPorts& ports_;
  std::uint32_t number_;
  bool open_ = true;
  std::deque<Accepted> queue_;
  Event changed_;
};

Task<Result<StreamPtr>> MemoryPorts::dial(std::uint32_t port) {
  const auto listener = open_.find(port);
  if (listener == open_.end()) co_return fail(Code::UNREACHABLE, "port " + std::to_string(port));
  auto [ours, theirs] = memory_pair();
  listener->second->offer({std::move(theirs), peer_});
  co_return std::move(ours);
}

Result<ListenerPtr> MemoryPorts::listen(std::uint32_t port) {
  if (open_.contains(port)) return fail(Code::EXISTS, "port " + std::to_string(port));
  return std::make_unique<Port>(*this, port);
}

StreamPtr hostile(EventLoop& loop, StreamPtr inner, std::uint64_t seed, Hostility hostility) {
  return std::make_unique<HostileStream>(loop, std::move(inner), seed, hostility);
}

}  // namespace cages::net
