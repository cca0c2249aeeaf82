// SPDX-License-Identifier: Apache-2.0
// Stream, Listener, Dialer: bytes both ways, whoever carries them (TCP, Unix sockets, vsock, memory, TLS). Everything
// above net/ speaks to these and never sees a socket, so that whole flows run in one process over memory streams.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/task.h"

namespace cages::net {

// One reader and one writer at a time. lifetime: buffers passed in stay alive until the awaited call returns, and a
// stream is destroyed only when no call on it is pending (close it, then let the calls return).
class Stream {
 public:
  virtual ~Stream() = default;
  // read_some waits for at least one byte and returns how many came; 0 = the peer ended its side (`into` is never
  // empty). CLOSED after close() or a reset, TIMEOUT where a Deadline ended it.
  virtual Task<Result<std::size_t>> read_some(std::span<Byte> into) = 0;
  // write_all returns when all bytes were handed on.
  virtual Task<Result<void>> write_all(ByteView bytes) = 0;
  // shutdown_write ends our side (half-close); reading goes on.
  virtual Task<Result<void>> shutdown_write() = 0;
  // close ends both sides at once and wakes every waiter with `reason`, which later calls return too. May be called
  // twice; the first reason stays.
  virtual void close(Code reason = Code::CLOSED) = 0;
};
using StreamPtr = std::unique_ptr<Stream>;

// Who connected, as far as the carrier knows.
struct Peer {
  std::string address;     // "192.0.2.1", "2001:db8::1", "unix", "memory"; empty where unknown
  std::uint16_t port = 0;  // TCP port, or 0
  std::uint32_t cid = 0;   // vsock context id, or 0
};

struct Accepted {
  StreamPtr stream;
  Peer peer;
};

class Listener {
 public:
  virtual ~Listener() = default;
  virtual Task<Result<Accepted>> accept() = 0;
  // close ends accept() with CLOSED.
  virtual void close() = 0;
  // port returns what it listens on: the TCP port that the kernel chose, the vsock port, or 0.
  [[nodiscard]] virtual std::uint32_t port() const { return 0; }
};
using ListenerPtr = std::unique_ptr<Listener>;

// Dials one kind of address: a vsock port of one enclave, or of the host.
class PortDialer {
 public:
  virtual ~PortDialer() = default;
  virtual Task<Result<StreamPtr>> dial(std::uint32_t port) = 0;
};

// Listens on vsock ports of this side.
class PortListener {
 public:
  virtual ~PortListener() = default;
  // listen: EXISTS where the port has a listener already.
  virtual Result<ListenerPtr> listen(std::uint32_t port) = 0;
};

// read_exact fills `into` or fails (CLOSED where the peer ended early). read_until_end reads at most `bytes_max`, LIMIT
// above.
Task<Result<void>> read_exact(Stream& stream, std::span<Byte> into);
Task<Result<Bytes>> read_until_end(Stream& stream, std::size_t bytes_max);

}  // namespace cages::net
