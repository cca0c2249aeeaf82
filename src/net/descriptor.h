// SPDX-License-Identifier: Apache-2.0
// Streams and listeners over file descriptors of this process: sockets of any family, pipes. For net/ (tcp, unix,
// vsock) and for whoever was handed a descriptor (the app's output, a socket pair). Not for files.
#pragma once

#include <sys/socket.h>

#include "base/file.h"
#include "base/ip.h"
#include "net/event_loop.h"
#include "net/stream.h"

namespace cages::net {

// An address as the kernel takes it.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

// stream_from takes over a connected stream socket or one end of a pipe, and makes it non-blocking.
Result<StreamPtr> stream_from(EventLoop& loop, Fd fd);

// dial_address connects a stream socket: UNREACHABLE, with the system's reason, where nobody answers. `name` is for
// errors.
Task<Result<StreamPtr>> dial_address(EventLoop& loop, SocketAddress address, std::string name);

// listen_address binds and listens. EXISTS where the address is taken. listener_from takes over a socket that listens.
Result<ListenerPtr> listen_address(EventLoop& loop, const SocketAddress& address, const std::string& name);
Result<ListenerPtr> listener_from(EventLoop& loop, Fd fd);

// A connection that the kernel redirected here (nf_tables), and where it was going. Closing the stream before both sides
// have ended resets it, so that who connected can tell a refusal or a cut from an end.
struct Diverted {
  StreamPtr stream;
  IpAddress address;
  std::uint16_t port = 0;
};
class DivertedListener {
 public:
  virtual ~DivertedListener() = default;
  virtual Task<Result<Diverted>> accept() = 0;
  // close ends accept() with CLOSED.
  virtual void close() = 0;
};
// diverted_listener_from takes over a TCP socket that listens. A connection whose destination the kernel has forgotten is
// reset, unseen.
Result<std::unique_ptr<DivertedListener>> diverted_listener_from(EventLoop& loop, Fd fd);

// wait_readable returns when `fd` (a pidfd, a datagram socket, …) has something to read or its other end is gone. The
// descriptor stays the caller's and is open throughout.
Task<Result<void>> wait_readable(EventLoop& loop, int fd);

}  // namespace cages::net
