// SPDX-License-Identifier: Apache-2.0
// Streams in memory, so that whole flows run in one process without a socket: a pair, a network of ports, and a hostile
// carrier that splits, delays and cuts from a seed. For tests, and for parts of one program that speak a stream
// protocol.
#pragma once

#include <map>
#include <memory>
#include <random>
#include <utility>

#include "base/limits.h"
#include "net/event_loop.h"
#include "net/stream.h"

namespace cages::net {

// memory_pair returns two connected streams; each direction holds at most `bytes_max` that nobody has read yet.
std::pair<StreamPtr, StreamPtr> memory_pair(std::size_t bytes_max = limits::kMemoryStreamBytes);

// Ports in memory: what is dialled arrives at the listener of that port, at once; UNREACHABLE where there is none.
// lifetime: outlives its listeners.
class MemoryPorts final : public PortDialer, public PortListener {
 public:
  explicit MemoryPorts(Peer peer = {.address = "memory", .port = 0, .cid = 0}) : peer_(std::move(peer)) {}
  Task<Result<StreamPtr>> dial(std::uint32_t port) override;
  Result<ListenerPtr> listen(std::uint32_t port) override;

 private:
  class Port;
  Peer peer_;
  std::map<std::uint32_t, Port*> open_;
};

// What a carrier may do to honest ends. Probabilities per call, 0 to 1.
struct Hostility {
  double split = 0.5;  // hand over fewer bytes than asked
  double yield = 0.5;  // let the other tasks run first, some turns
  double delay = 0.1;  // sleep up to delay_max
  Nanoseconds delay_max{std::chrono::milliseconds(50)};
  double cut = 0.0;   // close the stream instead
  double flip = 0.0;  // change one bit
};

// hostile wraps `inner`. The same seed does the same. lifetime: `loop` outlives the stream.
StreamPtr hostile(EventLoop& loop, StreamPtr inner, std::uint64_t seed, Hostility hostility = {});

}  // namespace cages::net
