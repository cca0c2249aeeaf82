// SPDX-License-Identifier: Apache-2.0
// Probe: one question to the app: does its port answer, and as a healthy app would. Over loopback, within a deadline.
// untrusted: what the app answers.
#pragma once

#include "net/event_loop.h"
#include "net/stream.h"
#include "wire/manifest.h"

namespace cages::runtime {

// Dials a port of the app; memory in tests.
class AppDialer {
 public:
  virtual ~AppDialer() = default;
  virtual Task<Result<net::StreamPtr>> dial(std::uint16_t port) = 0;
};

// 127.0.0.1, then ::1: apps listen on either.
class LoopbackDialer final : public AppDialer {
 public:
  explicit LoopbackDialer(net::EventLoop& loop) : loop_(loop) {}
  Task<Result<net::StreamPtr>> dial(std::uint16_t port) override;

 private:
  net::EventLoop& loop_;
};

// What to ask. `none` in the manifest still asks whether the app's port answers.
struct ProbeTarget {
  wire::HealthKind kind = wire::HealthKind::tcp;
  std::string path;
  std::uint16_t port = 0;
};
ProbeTarget probe_target(const wire::Manifest& manifest);

// probe: success where the port accepts (tcp), or answers `GET path` with a status of 200 to 399 (http). UNREACHABLE,
// TIMEOUT, or APP_HEALTH with what came instead.
Task<Result<void>> probe(net::Timers& timers, AppDialer& dialer, ProbeTarget target);

// status_of reads the status of an HTTP/1 answer from its first bytes; APP_HEALTH where there is none.
Result<unsigned> status_of(std::string_view head);

}  // namespace cages::runtime
