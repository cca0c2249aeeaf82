// SPDX-License-Identifier: Apache-2.0
// Output: a head and a body written to a connection in the framing chosen, the head together with the first bytes that
// follow it. For server.cpp and client.cpp.
#pragma once

#include "http/write.h"
#include "net/deadline.h"
#include "net/event.h"
#include "net/stream.h"

namespace cages::http {

class Output {
 public:
  // lifetime: both outlive the output. TIMEOUT where the peer takes nothing for `idle`.
  Output(net::Timers& timers, net::Stream& stream, Nanoseconds idle) : timers_(timers), stream_(stream), idle_(idle) {}
  // begin takes a head; it goes out with the first body bytes, flush() or finish().
  void begin(std::string head, Framing framing);
  // write hands body bytes on; nothing where the message has no body. INTERNAL where there are more than announced.
  Task<Result<void>> write(ByteView bytes);
  Task<Result<void>> flush();
  // finish ends the body. INTERNAL where bytes are missing: then the connection has to end.
  Task<Result<void>> finish(const Headers& trailers);

 private:
  // send is one at a time: 100 Continue may still be on its way when the answer begins. A write that was cancelled may
  // have gone out in part, so that nothing may follow it.
  Task<Result<void>> send(ByteView bytes);
  net::Timers& timers_;
  net::Stream& stream_;
  Nanoseconds idle_;
  std::string pending_;
  Framing framing_;
  std::uint64_t left_ = 0;
  bool sending_ = false;
  bool broken_ = false;
  net::Event sent_;
};

}  // namespace cages::http
