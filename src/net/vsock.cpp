// SPDX-License-Identifier: Apache-2.0
#include "net/vsock.h"

#include <linux/vm_sockets.h>

#include <charconv>
#include <cstring>
#include <deque>

#include "base/limits.h"
#include "base/log.h"
#include "net/deadline.h"
#include "net/event.h"
#include "net/unix.h"

namespace cages::net {
namespace {

SocketAddress vsock_address(std::uint32_t cid, std::uint32_t port) {
  sockaddr_vm address{};
  address.svm_family = AF_VSOCK;
  address.svm_cid = cid;
  address.svm_port = port;
  SocketAddress out;
  std::memcpy(&out.storage, &address, sizeof address);
  out.length = sizeof address;
  return out;
}

// Hands on connections of one peer alone.
class OnePeerListener final : public Listener {
 public:
  OnePeerListener(ListenerPtr inner, std::uint32_t cid) : inner_(std::move(inner)), cid_(cid) {}
  Task<Result<Accepted>> accept() override {
    for (;;) {
      CO_TRY_ASSIGN(Accepted accepted, co_await inner_->accept());
      if (accepted.peer.cid == cid_) co_return accepted;
      log::warning("vsock.refused", {{"cid", std::to_string(accepted.peer.cid)}});
    }
  }
  void close() override { inner_->close(); }
  [[nodiscard]] std::uint32_t port() const override { return inner_->port(); }

 private:
  ListenerPtr inner_;
  std::uint32_t cid_;
};

// untrusted: one line "WORD number\n", read byte by byte because what follows is not ours.
Task<Result<std::uint32_t>> read_word_and_number(Stream& stream, std::string_view word) {
  std::string line;
  for (;;) {
    Byte byte = 0;
    CO_TRY(co_await read_exact(stream, {&byte, 1}));
    if (byte == '\n') break;
    line += static_cast<char>(byte);
    if (line.size() > limits::kHybridLineBytesMax) co_return fail(Code::LIMIT, "line");
  }
  std::uint32_t number = 0;
  const bool begins = line.starts_with(word) && line.size() > word.size() && line[word.size()] == ' ';
  const char* from = begins ? line.data() + word.size() + 1 : line.data();
  const char* end = line.data() + line.size();
  const auto [at, error] = std::from_chars(from, end, number);
  if (!begins || error != std::errc() || at != end) {
    co_return fail(Code::MESSAGE_TYPE, "line", std::string(word) + " and a number", printable(line));
  }
  co_return number;
}

std::filesystem::path socket_of(const std::filesystem::path& folder, std::uint32_t port) {
  return folder / ("v_" + std::to_string(port));
}

}  // namespace

Task<Result<StreamPtr>> Vsock::dial(std::uint32_t port) {
  co_return co_await dial_address(loop_, vsock_address(cid_, port),
                                  "vsock " + std::to_string(cid_) + ":" + std::to_string(port));
}

Result<ListenerPtr> Vsock::listen(std::uint32_t port) {
  TRY_ASSIGN(ListenerPtr listener,
             listen_address(loop_, vsock_address(VMADDR_CID_ANY, port), "vsock port " + std::to_string(port)));
  return std::make_unique<OnePeerListener>(std::move(listener), cid_);
}

Task<Result<StreamPtr>> HybridHost::dial(std::uint32_t port) {
  CO_TRY_ASSIGN(StreamPtr stream, co_await dial_unix(loop_, folder_ / "v"));
  const Deadline deadline(loop_.timers(), *stream, limits::kHybridTime);
  CO_TRY(co_await stream->write_all(as_bytes("CONNECT " + std::to_string(port) + "\n")));
  const auto answer = co_await read_word_and_number(*stream, "OK");
  if (!answer && answer.error().code == Code::CLOSED) {
    co_return fail(Code::UNREACHABLE, "vsock port " + std::to_string(port), "a listener", "none");
  }
  CO_TRY(answer);
  co_return stream;
}

Result<ListenerPtr> HybridHost::listen(std::uint32_t port) { return listen_unix(loop_, socket_of(folder_, port)); }

struct HybridEnclave::Ports {
  ListenerPtr outer;
  Slots greetings{limits::kHybridPendingMax};
  std::map<std::uint32_t, Port*> open;
};

class HybridEnclave::Port final : public Listener {
 public:
  Port(std::shared_ptr<Ports> ports, std::uint32_t number) : ports_(std::move(ports)), number_(number) {
    ports_->open[number_] = this;
  }
  ~Port() override { close(); }
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;
  Task<Result<Accepted>> accept() override {
    while (queue_.empty() && open_) co_await changed_.wait();
    if (!open_) co_return fail(Code::CLOSED);
    Accepted accepted = std::move(queue_.front());
    queue_.pop_front();
    co_return accepted;
  }
  void close() override {
    if (open_) ports_->open.erase(number_);
    open_ = false;
    queue_.clear();
    changed_.notify();
  }
  [[nodiscard]] std::uint32_t port() const override { return number_; }
  bool offer(StreamPtr& stream) {
    if (queue_.size() == limits::kHybridPendingMax) return false;
    queue_.push_back({std::move(stream), {.address = "unix", .port = 0, .cid = kHostCid}});
    changed_.notify();
    return true;
  }

 private:
  std::shared_ptr<Ports> ports_;
  std::uint32_t number_;
  bool open_ = true;
  std::deque<Accepted> queue_;
  Event changed_;
};

HybridEnclave::HybridEnclave(EventLoop& loop, ListenerPtr listener, std::filesystem::path folder)
    : loop_(loop), folder_(std::move(folder)), ports_(std::make_shared<Ports>()), tasks_(loop) {
  ports_->outer = std::move(listener);
  tasks_.spawn("vsock.accept", serve(loop_, ports_));
}

HybridEnclave::~HybridEnclave() { ports_->outer->close(); }

Task<void> HybridEnclave::serve(EventLoop& loop, std::shared_ptr<Ports> ports) {
  TaskGroup greetings(loop);
  for (;;) {
    auto accepted = co_await ports->outer->accept();
    if (!accepted) break;
    greetings.spawn("vsock.greet", greet(loop, ports, std::move(accepted->stream)));
  }
}

Task<void> HybridEnclave::greet(EventLoop& loop, std::shared_ptr<Ports> ports, StreamPtr stream) {
  const auto slot = ports->greetings.try_take();
  if (!slot) co_return;
  {
    const Deadline deadline(loop.timers(), *stream, limits::kHybridTime);
    const auto number = co_await read_word_and_number(*stream, "CONNECT");
    if (!number || !ports->open.contains(*number)) co_return;
    const std::string answer = "OK " + std::to_string(*number) + "\n";
    if (!co_await stream->write_all(as_bytes(answer))) co_return;
    const auto port = ports->open.find(*number);
    if (port == ports->open.end() || deadline.expired()) co_return;
    port->second->offer(stream);
  }
}

Task<Result<StreamPtr>> HybridEnclave::dial(std::uint32_t port) {
  co_return co_await dial_unix(loop_, socket_of(folder_, port));
}

Result<ListenerPtr> HybridEnclave::listen(std::uint32_t port) {
  if (ports_->open.contains(port)) return fail(Code::EXISTS, "vsock port " + std::to_string(port));
  return std::make_unique<Port>(ports_, port);
}

}  // namespace cages::net
