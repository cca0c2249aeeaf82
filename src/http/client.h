// SPDX-License-Identifier: Apache-2.0
// Asking over HTTP/1.1 on one connection: one request after the other, bodies streamed. For every part that dials.
#pragma once

#include <memory>
#include <string>

#include "base/limits.h"
#include "http/headers.h"
#include "net/event_loop.h"
#include "net/stream.h"

namespace cages::http {

struct ClientLimits {
  Nanoseconds answer = limits::kHttpAnswerTime;       // from the request to the answer's head
  Nanoseconds body_idle = limits::kHttpBodyIdleTime;  // between two bytes of a body, either way
};

struct WholeResponse {
  ResponseHead head;
  Bytes body;
};

class Client {
 public:
  // lifetime: `timers` outlives the client.
  Client(net::Timers& timers, net::StreamPtr stream, ClientLimits limits = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // send writes a request and its body to the end. An error where the other side stopped reading; read_head may still
  // bring its reason. Call at the same time as read_head where either may be long.
  Task<Result<void>> send(const RequestHead& head, Body& body);
  // read_head returns the next head of the answer to `method`, 1xx among them. HTTP_RESPONSE where it is not HTTP.
  Task<Result<ResponseHead>> read_head(std::string method);
  // body of the answer whose (final) head was read last. lifetime: until the next request.
  [[nodiscard]] Body& body();
  // upgraded: after a 101, the connection as raw bytes.
  [[nodiscard]] net::Stream& upgraded();
  // reusable: the last exchange ended whole and the connection may carry another.
  [[nodiscard]] bool reusable() const;
  [[nodiscard]] net::Stream& stream();
  void close();

  // request sends and receives whole messages: LIMIT where the answer's body is longer than `bytes_max`.
  Task<Result<WholeResponse>> request(RequestHead head, Body& body, std::size_t bytes_max);
  Task<Result<WholeResponse>> request(RequestHead head, Bytes body, std::size_t bytes_max);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cages::http
