// SPDX-License-Identifier: Apache-2.0
// Observe: what the host shows of itself on loopback: GET /health, /journal/<deployment>, /logs/<deployment>, /metrics.
// Read only; no secret passes this host, so none can be shown. For cage-host.
#pragma once

#include <functional>

#include "host/fleet.h"
#include "host/ingress/ingress.h"
#include "http/server.h"

namespace cages::host {

class Observe {
 public:
  // lifetime: all references outlive it; await stop() first.
  Observe(net::EventLoop& loop, const Fleet& fleet, const Link& link, const Ingress& ingress, std::string driver);
  Task<void> serve(net::Listener& listener);
  Task<void> stop() { return tasks_.stop(); }

  struct Answer {
    int status = 200;
    std::string type = "application/json";
    std::string body;
  };
  // answer: for tests too. `authority` is the request's Host: anything but loopback is refused, so that no web page can
  // read it by a name of its own.
  [[nodiscard]] Answer answer(std::string_view method, std::string_view target, std::string_view authority) const;

 private:
  Task<void> connection(net::StreamPtr stream, net::Slots::Slot slot);
  [[nodiscard]] std::string health() const;
  [[nodiscard]] std::string metrics() const;

  net::EventLoop& loop_;
  const Fleet& fleet_;
  const Link& link_;
  const Ingress& ingress_;
  std::string driver_;
  http::Draining draining_;
  net::Slots slots_;
  net::TaskGroup tasks_;
};

}  // namespace cages::host
