// SPDX-License-Identifier: Apache-2.0
#include "net/descriptor.h"

#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <optional>
#include <system_error>

#include "base/limits.h"
#include "base/log.h"
#include "net/splice.h"
#include "net/tcp.h"

namespace cages::net {
namespace asio = boost::asio;
namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
using Descriptor = asio::posix::stream_descriptor;

std::string reason_of(int number) { return std::generic_category().message(number); }

Error stream_error(const boost::system::error_code& error, Code closed) {
  if (error == asio::error::operation_aborted || error == asio::error::bad_descriptor) return Error(closed);
  const int number = error.value();
  if (number == ECONNRESET || number == EPIPE || number == ENOTCONN) {
    return Error(Code::CLOSED, "", "", error.message());
  }
  if (number == ETIMEDOUT) return Error(Code::TIMEOUT, "", "", error.message());
  return Error(Code::IO, "stream", "", error.message());
}

class FdStream : public RawStream {
 public:
  explicit FdStream(Descriptor descriptor) : descriptor_(std::move(descriptor)), raw_(descriptor_.native_handle()) {}

  Task<Result<std::size_t>> read_some(std::span<Byte> into) override {
    if (!descriptor_.is_open()) co_return fail(reason_);
    auto [error, n] = co_await descriptor_.async_read_some(asio::buffer(into.data(), into.size()), kTuple);
    if (error == asio::error::eof) co_return std::size_t{0};
    if (error) co_return fail(stream_error(error, reason_));
    co_return n;
  }
  Task<Result<void>> write_all(ByteView bytes) override {
    if (!descriptor_.is_open()) co_return fail(reason_);
    // Mostly there is room, and the loop need not be asked. Reading always goes through it, so that nobody is starved.
    const ssize_t written = ::write(descriptor_.native_handle(), bytes.data(), bytes.size());
    if (written > 0) bytes = bytes.subspan(static_cast<std::size_t>(written));
    if (bytes.empty()) co_return Result<void>();
    auto [error, n] = co_await asio::async_write(descriptor_, asio::buffer(bytes.data(), bytes.size()), kTuple);
    if (error) co_return fail(stream_error(error, reason_));
    co_return Result<void>();
  }
  Task<Result<void>> shutdown_write() override {
    if (!descriptor_.is_open()) co_return fail(reason_);
    if (::shutdown(descriptor_.native_handle(), SHUT_WR) == 0 || errno == ENOTSOCK) co_return Result<void>();
    co_return fail(stream_error({errno, boost::system::system_category()}, reason_));
  }
  void close(Code reason) override {
    if (!descriptor_.is_open()) return;
    reason_ = reason;
    boost::system::error_code ignored;
    descriptor_.close(ignored);
  }

  [[nodiscard]] int raw() const override { return raw_; }
  Task<Result<void>> wait_read() override { return wait(Descriptor::wait_read); }
  Task<Result<void>> wait_write() override { return wait(Descriptor::wait_write); }

 protected:
  Descriptor descriptor_;

 private:
  Task<Result<void>> wait(Descriptor::wait_type what) {
    if (!descriptor_.is_open()) co_return fail(reason_);
    auto [error] = co_await descriptor_.async_wait(what, kTuple);
    if (error) co_return fail(stream_error(error, reason_));
    co_return Result<void>();
  }
  int raw_;
  Code reason_ = Code::CLOSED;
};

// Closes by a reset while either side may still send.
class DivertedStream final : public FdStream {
 public:
  using FdStream::FdStream;
  ~DivertedStream() override { DivertedStream::close(Code::CLOSED); }
  DivertedStream(const DivertedStream&) = delete;
  DivertedStream& operator=(const DivertedStream&) = delete;
  void close(Code reason) override {
    if (descriptor_.is_open() && !both_ended()) {
      const linger now{.l_onoff = 1, .l_linger = 0};
      ::setsockopt(descriptor_.native_handle(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    FdStream::close(reason);
  }

 private:
  // By the kernel's own state: what is still queued behind our end is then delivered.
  bool both_ended() {
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(descriptor_.native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;
    return info.tcpi_state == TCP_LAST_ACK || info.tcpi_state == TCP_CLOSING || info.tcpi_state == TCP_TIME_WAIT ||
           info.tcpi_state == TCP_CLOSE;
  }
};

Result<Descriptor> adopt(EventLoop& loop, Fd fd) {
  const int flags = ::fcntl(fd.get(), F_GETFL);
  const bool set = flags >= 0 && ((flags & O_NONBLOCK) != 0 || ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) == 0);
  if (!set) return fail(errno_error("descriptor", errno));
  Descriptor descriptor(loop.context());
  boost::system::error_code error;
  descriptor.assign(fd.get(), error);
  if (error) return fail(Code::IO, "descriptor", "", error.message());
  static_cast<void>(fd.release());
  return descriptor;
}

void set_no_delay(int fd, int family) {
  const int on = 1;
  if (family == AF_INET || family == AF_INET6) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Peer peer_of(const SocketAddress& address) {
  switch (address.storage.ss_family) {
    case AF_INET:
    case AF_INET6: return tcp_peer(address);
    case AF_VSOCK: {
      sockaddr_vm vm{};
      std::memcpy(&vm, &address.storage, sizeof vm);
      return {.address = "vsock", .port = 0, .cid = vm.svm_cid};
    }
    default: return {.address = "unix", .port = 0, .cid = 0};
  }
}

std::uint32_t port_of(int fd) {
  SocketAddress own;
  own.length = sizeof own.storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&own.storage), &own.length) != 0) return 0;
  if (own.storage.ss_family == AF_VSOCK) {
    sockaddr_vm vm{};
    std::memcpy(&vm, &own.storage, sizeof vm);
    return vm.svm_port;
  }
  return peer_of(own).port;
}

class FdListener final : public Listener {
 public:
  FdListener(EventLoop& loop, Descriptor descriptor, std::uint32_t port)
      : loop_(loop),
        descriptor_(std::move(descriptor)),
        port_(port),
        reserve_(::open("/dev/null", O_RDONLY | O_CLOEXEC)) {}

  Task<Result<Accepted>> accept() override {
    CO_TRY_ASSIGN(Arrived arrived, co_await accept_raw());
    CO_TRY_ASSIGN(StreamPtr stream, stream_from(loop_, std::move(arrived.fd)));
    co_return Accepted{std::move(stream), peer_of(arrived.from)};
  }
  struct Arrived {
    Fd fd;
    SocketAddress from;
  };
  Task<Result<Arrived>> accept_raw() {
    for (;;) {
      if (!descriptor_.is_open()) co_return fail(Code::CLOSED);
      SocketAddress from;
      from.length = sizeof from.storage;
      Fd fd(::accept4(descriptor_.native_handle(), reinterpret_cast<sockaddr*>(&from.storage), &from.length,
                      SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (fd) {
        set_no_delay(fd.get(), from.storage.ss_family);
        co_return Arrived{std::move(fd), from};
      }
      const int number = errno;
      if (number == EMFILE || number == ENFILE) {
        shed(number);
        co_await yield();
      } else if (number == EAGAIN) {
        auto [error] = co_await descriptor_.async_wait(Descriptor::wait_read, kTuple);
        if (error) co_return fail(stream_error(error, Code::CLOSED));
      } else if (number == EBADF || number == EINVAL || number == ENOTSOCK) {
        co_return fail(errno_error("accept", number));
      }
      // Else the connection ended before it was taken (accept(2), "Error handling"): take the next one.
    }
  }
  void close() override {
    boost::system::error_code ignored;
    descriptor_.close(ignored);
  }
  [[nodiscard]] std::uint32_t port() const override { return port_; }

 private:
  // At the descriptor limit the newest connection is closed at once, by means of one descriptor kept for that.
  void shed(int number) {
    reserve_.reset();
    Fd(::accept4(descriptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC)).reset();
    reserve_.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    ++shed_;
    const Nanoseconds now = loop_.timers().now();
    if (now - logged_ < std::chrono::seconds(1)) return;
    logged_ = now;
    log::warning("accept.shed", {{"connections", std::to_string(shed_)}, {"reason", reason_of(number)}});
  }

  EventLoop& loop_;
  Descriptor descriptor_;
  std::uint32_t port_;
  Fd reserve_;
  std::uint64_t shed_ = 0;
  Nanoseconds logged_{std::chrono::seconds(-1)};
};

// Where a redirected connection was going; none where the kernel does not say.
std::optional<Peer> first_destination(int fd, int family) {
  constexpr int kOriginalDestination = 80;  // SO_ORIGINAL_DST, IP6T_SO_ORIGINAL_DST: their headers are not C++
  SocketAddress address;
  address.length = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  const int level = family == AF_INET ? int{IPPROTO_IP} : int{IPPROTO_IPV6};
  if (::getsockopt(fd, level, kOriginalDestination, &address.storage, &address.length) != 0) return std::nullopt;
  return peer_of(address);
}

class FdDivertedListener final : public DivertedListener {
 public:
  FdDivertedListener(EventLoop& loop, Descriptor descriptor) : loop_(loop), inner_(loop, std::move(descriptor), 0) {}
  Task<Result<Diverted>> accept() override {
    for (;;) {
      CO_TRY_ASSIGN(FdListener::Arrived arrived, co_await inner_.accept_raw());
      const auto meant = first_destination(arrived.fd.get(), arrived.from.storage.ss_family);
      CO_TRY_ASSIGN(Descriptor descriptor, adopt(loop_, std::move(arrived.fd)));
      auto stream = std::make_unique<DivertedStream>(std::move(descriptor));
      const auto address = meant ? parse_ip(meant->address) : std::nullopt;
      if (address) co_return Diverted{std::move(stream), *address, meant->port};
    }
  }
  void close() override { inner_.close(); }

 private:
  EventLoop& loop_;
  FdListener inner_;
};

}  // namespace

Result<std::unique_ptr<DivertedListener>> diverted_listener_from(EventLoop& loop, Fd fd) {
  TRY_ASSIGN(Descriptor descriptor, adopt(loop, std::move(fd)));
  return std::make_unique<FdDivertedListener>(loop, std::move(descriptor));
}

Result<StreamPtr> stream_from(EventLoop& loop, Fd fd) {
  TRY_ASSIGN(Descriptor descriptor, adopt(loop, std::move(fd)));
  return std::make_unique<FdStream>(std::move(descriptor));
}

Result<ListenerPtr> listener_from(EventLoop& loop, Fd fd) {
  const std::uint32_t port = port_of(fd.get());
  TRY_ASSIGN(Descriptor descriptor, adopt(loop, std::move(fd)));
  return std::make_unique<FdListener>(loop, std::move(descriptor), port);
}

Task<Result<StreamPtr>> dial_address(EventLoop& loop, SocketAddress address, std::string name) {
  const int family = address.storage.ss_family;
  Fd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) co_return fail(errno_error(name, errno));
  set_no_delay(fd.get(), family);
  const int raw = fd.get();
  CO_TRY_ASSIGN(Descriptor descriptor, adopt(loop, std::move(fd)));
  int number = 0;
  if (::connect(raw, reinterpret_cast<const sockaddr*>(&address.storage), address.length) != 0) number = errno;
  if (number == EINPROGRESS) {
    auto [error] = co_await descriptor.async_wait(Descriptor::wait_write, kTuple);
    if (error) co_return fail(stream_error(error, Code::CLOSED));
    socklen_t size = sizeof number;
    if (::getsockopt(raw, SOL_SOCKET, SO_ERROR, &number, &size) != 0) number = errno;
  }
  if (number != 0) co_return fail(Code::UNREACHABLE, name, "", reason_of(number));
  co_return std::make_unique<FdStream>(std::move(descriptor));
}

Result<ListenerPtr> listen_address(EventLoop& loop, const SocketAddress& address, const std::string& name) {
  const int family = address.storage.ss_family;
  Fd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fail(errno_error(name, errno));
  const int on = 1;
  const int off = 0;
  if (family != AF_UNIX) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (family == AF_INET6) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.length) != 0) {
    const int number = errno;
    if (number == EADDRINUSE) return fail(Code::EXISTS, name, "a free address", reason_of(number));
    return fail(errno_error(name, number));
  }
  if (::listen(fd.get(), limits::kListenBacklog) != 0) return fail(errno_error(name, errno));
  return listener_from(loop, std::move(fd));
}

Task<Result<void>> wait_readable(EventLoop& loop, int fd) {
  // A duplicate, because Asio closes what it is given.
  Fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy) co_return fail(errno_error("descriptor", errno));
  CO_TRY_ASSIGN(Descriptor descriptor, adopt(loop, std::move(copy)));
  auto [error] = co_await descriptor.async_wait(Descriptor::wait_read, kTuple);
  if (error) co_return fail(stream_error(error, Code::CLOSED));
  co_return Result<void>();
}

}  // namespace cages::net
