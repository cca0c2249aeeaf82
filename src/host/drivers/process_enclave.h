// SPDX-License-Identifier: Apache-2.0
// ProcessEnclave: one running enclave of the process driver. For process.cpp, which starts it.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "host/drivers/console.h"
#include "host/drivers/driver.h"
#include "host/drivers/idmap.h"
#include "host/drivers/instance.h"
#include "host/drivers/launch.h"
#include "host/drivers/nsm_process.h"
#include "net/event.h"
#include "net/event_loop.h"

namespace cages::drivers {

// Everything that makes up one enclave on the host's side. Tasks share it; when the last holder lets go, the enclave is ended and
// what belongs to it removed.
struct ProcessState {
  ProcessState(net::EventLoop& l, IdSlot s, Instance i, std::optional<Cgroup> c)
      : loop(l), slot(std::move(s)), instance(std::move(i)), cgroup(std::move(c)) {}
  ~ProcessState();
  ProcessState(const ProcessState&) = delete;
  ProcessState& operator=(const ProcessState&) = delete;
  // end kills the warden, and so everything, waits until it is gone and removes what belonged to it. May be called twice.
  void end();

  net::EventLoop& loop;
  IdSlot slot;
  Instance instance;
  std::optional<Cgroup> cgroup;
  std::string module_id;
  eif::Measurements measurements;
  std::vector<Stage> stages;
  std::optional<Launched> launched;
  std::optional<NsmProcess> nsm;
  net::StreamPtr control;
  net::StreamPtr console_stream;
  Console console;
  Handover handover;
  std::map<std::uint32_t, net::ListenerPtr> listeners;
  Exit exit;
  bool stopping = false;
  bool end_told = false;  // by the warden
  bool ended = false;
  net::Event changed;
};

class ProcessEnclave final : public Enclave {
 public:
  explicit ProcessEnclave(std::shared_ptr<ProcessState> state) : state_(std::move(state)) {}
  ~ProcessEnclave() override;
  // watch starts the tasks that follow the enclave until it ends.
  void watch();

  [[nodiscard]] const std::string& id() const override { return state_->instance.id(); }
  [[nodiscard]] const std::string& module_id() const override { return state_->module_id; }
  [[nodiscard]] const eif::Measurements& measurements() const override { return state_->measurements; }
  [[nodiscard]] const std::vector<Stage>& stages() const override { return state_->stages; }
  Task<Result<net::StreamPtr>> connect(std::uint32_t port) override;
  Result<net::ListenerPtr> accept(std::uint32_t port) override;
  [[nodiscard]] Usage usage() const override;
  [[nodiscard]] std::string console() const override;
  Task<Exit> wait() override;
  Task<void> stop(Nanoseconds grace) override;

 private:
  std::shared_ptr<ProcessState> state_;
};

}  // namespace cages::drivers
