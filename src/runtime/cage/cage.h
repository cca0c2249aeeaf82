// SPDX-License-Identifier: Apache-2.0
// Cage: a cage's life from the moment it can talk to its host: heartbeat, keys, provisioning, leaf, app, serving, and
// an orderly end. Joins boot/, app/ and ingress/, which don't see each other. docs/flows/boot.md tells the order and
// why. For main, and for tests that run a whole boot in one process.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "net/event.h"
#include "runtime/app/supervisor.h"
#include "runtime/boot/control.h"
#include "runtime/cage/metrics.h"
#include "runtime/cage/powers.h"
#include "runtime/cage/serving.h"
#include "wire/lifecycle.h"
#include "wire/manifest.h"

namespace cages::runtime {

class Cage final : AppWatcher {
 public:
  Cage(CagePowers powers, wire::Manifest manifest);

  // run lives the cage's life to its end and returns the exit code. Where the ground was not ready it only tells the
  // host so. Everything that it starts ends before it returns.
  Task<int> run(bool ground_is_ready);
  // stop ends the cage in order: no new work, `grace` for what is in flight. A second call can only shorten it.
  void stop(Nanoseconds grace);

 private:
  Task<bool> live_until_ended();
  Task<void> serve_network();
  Task<void> live();
  Task<Result<void>> boot_and_serve();
  Task<Result<void>> serve(const Keys& keys, Provisioner& provisioner, Granted granted, const Leaf& leaf);
  Result<void> describe_nsm();
  Result<Leaf> issue(const Keys& keys, const Granted& granted);
  Task<Result<void>> start_app(const Granted& granted);
  Task<void> supervise(AppSpec spec);
  void give_up_on_app();
  Task<void> drain(net::TaskGroup& life);
  Task<void> stop_app();
  Task<void> send_metrics();
  [[nodiscard]] CageCounts counts() const;
  [[nodiscard]] wire::StateAnswer state() const;

  // AppWatcher
  void app_started(bool shares_user) override;
  void app_healthy() override;
  void app_unhealthy(const Error& why) override;
  void app_silent(const std::string& listening) override;
  void app_line(bool error_stream, ByteView line) override;
  void app_ended(const Ending& ending, std::optional<Nanoseconds> again) override;

  CagePowers powers_;
  wire::Manifest manifest_;
  Control control_;
  Supervisor supervisor_;
  net::Event changed_;
  net::TaskGroup app_;
  std::optional<Result<void>> ended_;
  std::optional<Result<void>> app_ended_;
  std::string module_id_;
  std::unique_ptr<Serving> serving_;  // while the world is answered
  std::uint64_t app_restarts_ = 0;
  bool lease_ended_ = false;
  bool app_running_ = false;
  bool healthy_ = false;
  bool stopping_ = false;
  Nanoseconds grace_;
};

}  // namespace cages::runtime
