// SPDX-License-Identifier: Apache-2.0
// Serving HTTP/1.1 on one connection: one request after the other, bodies streamed both ways at a time. What a handler
// sees (Request, Responder) knows no HTTP version. For every part that serves.
#pragma once

#include <functional>
#include <string>

#include "base/limits.h"
#include "http/headers.h"
#include "net/event.h"
#include "net/stream.h"
#include "net/timers.h"

namespace cages::http {

struct Request {
  RequestHead head;
  Body& body;  // lifetime: as long as the handler runs
};

// How a handler answers. One respond (or upgrade), then bytes, then finish; before it any number of inform.
class Responder {
 public:
  virtual ~Responder() = default;
  // inform sends a 1xx head other than 101; nothing to clients that know none.
  virtual Task<Result<void>> inform(const ResponseHead& head) = 0;
  // respond begins the answer; `length` of the body where it is known. The head goes out with the first bytes or
  // flush().
  virtual Task<Result<void>> respond(const ResponseHead& head, std::optional<std::uint64_t> length) = 0;
  virtual Task<Result<void>> write(ByteView bytes) = 0;
  virtual Task<Result<void>> flush() = 0;
  virtual Task<Result<void>> finish(const Headers& trailers = {}) = 0;
  // upgrade answers 101 and returns the connection as raw bytes; it ends when the handler returns.
  virtual Task<Result<net::Stream*>> upgrade(const ResponseHead& head) = 0;
  [[nodiscard]] virtual bool responded() const = 0;
};

// A handler that returns an error before it responded makes the server answer for it (status_of); later, the connection
// is cut, so that the client sees a broken answer as broken.
using Handler = std::function<Task<Result<void>>(Request&, Responder&)>;

// answer sends a whole short answer.
Task<Result<void>> answer(Responder& responder, int status, Headers headers, Bytes body);
// status_of: what a client is told of an error: 400, 413, 417, 431, 502, 503, 504, 505 or 500.
int status_of(const Error& error);

// Asks servers to end: connections that wait for a request are told so and end as soon as the client has heard, others
// after the request in flight. lifetime: outlives the connections.
class Draining {
 public:
  void begin();
  [[nodiscard]] bool begun() const { return begun_; }

 private:
  friend class Connection;
  bool begun_ = false;
  net::Event began_;
};

struct ServeLimits {
  Nanoseconds idle = limits::kHttpIdleTime;           // between requests
  Nanoseconds head = limits::kHttpHeadTime;           // from a head's first byte to its last
  Nanoseconds body_idle = limits::kHttpBodyIdleTime;  // between two bytes of a body, either way
};

// serve answers requests on `stream` until it ends, a request asks for it, or `draining` begins; then closes it.
// Returns the error that ended the connection early, for the log; the client has been answered. lifetime: all
// references outlive the call.
Task<Result<void>> serve(net::Timers& timers, net::Stream& stream, const Handler& handler, Draining& draining,
                         ServeLimits limits = {});

}  // namespace cages::http
