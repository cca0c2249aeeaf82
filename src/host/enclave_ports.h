// SPDX-License-Identifier: Apache-2.0
// EnclavePorts: the host's end of one enclave's vsock ports: heartbeat, control, provisioner, and where its list has
// entries egress and names. What the enclave sends is bounded, shown and otherwise ignored; a stream that
// carries anything else ends. For cage-host.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "host/egress/egress.h"
#include "host/record.h"
#include "net/event.h"
#include "net/event_loop.h"
#include "net/stream.h"

namespace cages::host {

// What the host does for an enclave on request; broker/link.h in cage-host, something else in tests.
class Broker {
 public:
  virtual ~Broker() = default;
  virtual Task<Result<std::string>> token() = 0;
  virtual Task<Result<net::StreamPtr>> open_provisioner() = 0;
};

// The ports that a driver is to open for it; those of egress only where it has one.
std::vector<std::uint32_t> enclave_ports(bool egress);

class EnclavePorts {
 public:
  // lifetime: loop, record and broker outlive it; await stop() first. `name` is for the log. `changed` is called when
  // the enclave's state may have changed. `egress` is null where the cage has none, and outlives it too.
  EnclavePorts(net::EventLoop& loop, Record& record, Broker& broker, Egress* egress, std::string name,
               std::function<void()> changed);

  // serve answers on one of enclave_ports() until `listener` is closed or stop().
  void serve(std::uint32_t port, net::ListenerPtr listener);
  Task<void> stop();

 private:
  using Serve = Task<Result<void>> (EnclavePorts::*)(net::Stream&);
  Task<void> accept_all(net::ListenerPtr listener, Serve serve, std::size_t streams_max);
  Task<void> one(net::StreamPtr stream, net::Slots::Slot slot, Serve serve, std::shared_ptr<net::Slots> slots);
  Task<Result<void>> heartbeat(net::Stream& stream);
  Task<Result<void>> control(net::Stream& stream);
  Task<Result<void>> provisioner(net::Stream& stream);
  Task<void> hint_time(net::Stream& stream, net::Slots& writing);
  Task<Result<void>> listen_to(net::Stream& stream, net::Slots& writing);
  Task<Result<void>> answer_token(net::Stream& stream, net::Slots& writing, wire::TokenRequest request);
  Task<Result<void>> send(net::Stream& stream, net::Slots& writing, wire::ControlDown message);
  void take(const wire::LogLine& line);
  void take(const wire::MetricsSample& sample);

  net::EventLoop& loop_;
  Record& record_;
  Broker& broker_;
  Egress* egress_;
  std::string name_;
  std::function<void()> changed_;
  RateLimit tokens_;
  net::TaskGroup tasks_;
};

}  // namespace cages::host
