// SPDX-License-Identifier: Apache-2.0
#include "runtime/cage/cage.h"

#include <algorithm>

#include "base/limits.h"
#include "base/text.h"
#include "net/alarm.h"
#include "runtime/boot/heartbeat.h"
#include "runtime/boot/lifecycle.h"
#include "wire/ports.h"

namespace cages::runtime {
namespace {

// What a stage says of itself when it went well and there is nothing to say.
template <class T>
Result<std::string> quietly(const Result<T>& outcome) {
  if (!outcome) return fail(outcome.error());
  return std::string();
}

}  // namespace

Cage::Cage(CagePowers powers, wire::Manifest manifest)
    : powers_(powers),
      manifest_(std::move(manifest)),
      control_(powers.loop, powers.host, powers.journal),
      supervisor_(powers.loop, powers.starter, powers.app, *this),
      app_(powers.loop),
      grace_(limits::kAppStopTime) {}

Task<int> Cage::run(bool ground_is_ready) {
  const LifecycleActs acts{[this] { return state(); }, [this](Nanoseconds grace) { stop(grace); }};
  net::TaskGroup host(powers_.loop);
  host.spawn("control", control_.run());
  host.spawn("metrics", send_metrics());
  auto listener = powers_.ports.listen(wire::port::kLifecycle);
  if (powers_.network != nullptr) host.spawn("network", serve_network());
  net::TaskGroup asked(powers_.loop);
  if (listener) asked.spawn("life cycle", serve_lifecycle(powers_.loop, **listener, acts));
  const bool well = ground_is_ready && listener && co_await live_until_ended();
  control_.set_state(well ? wire::CageState::stopped : wire::CageState::failed);
  co_await control_.flush(limits::kControlFlushTime);
  // Its connections end with their listener; cancelled, it would leave them behind.
  if (listener) (*listener)->close();
  co_await asked.join();
  co_await host.stop();
  co_return well ? 0 : 1;
}

// Until the app, and everything after it, is gone.
Task<void> Cage::serve_network() {
  const auto say = [this](std::string_view line) { control_.log(wire::LogStream::runtime, as_bytes(line)); };
  const auto measure = [this](std::vector<wire::Metric> metrics) {
    const auto now = static_cast<std::uint64_t>(powers_.clock.monotonic().count());
    control_.send_metrics({now, std::move(metrics)});
  };
  const auto ended = co_await powers_.network->run({powers_.loop, powers_.host, say, measure});
  if (!ended) powers_.journal.failed(stage::kMounts, ended.error());
}

// Returns whether it ended as a cage should.
Task<bool> Cage::live_until_ended() {
  net::TaskGroup life(powers_.loop);
  life.spawn("life", live());
  while (!ended_ && !stopping_) co_await changed_.wait();
  co_await drain(life);
  co_await stop_app();
  co_return stopping_ || ended_->has_value() || lease_ended_;
}

Task<void> Cage::live() {
  ended_.emplace(co_await boot_and_serve());
  changed_.notify();
}

Task<Result<void>> Cage::boot_and_serve() {
  const auto beat = co_await heartbeat(powers_.loop.timers(), powers_.host);
  powers_.journal.record(stage::kHeartbeat, quietly(beat));
  CO_TRY(beat);
  CO_TRY(describe_nsm());
  CO_TRY_ASSIGN(const Keys keys, Keys::make());
  control_.set_state(wire::CageState::provisioning);
  std::vector<crypto::KeyHash> roots(manifest_.platform_roots.begin(), manifest_.platform_roots.end());
  Provisioner provisioner({powers_.loop, powers_.host, powers_.nsm, control_, powers_.journal, powers_.clock, keys},
                          std::move(roots));
  CO_TRY_ASSIGN(Granted granted, co_await provisioner.obtain_first());
  CO_TRY_ASSIGN(const Leaf leaf, issue(keys, granted));
  CO_TRY(co_await start_app(granted));
  co_return co_await serve(keys, provisioner, std::move(granted), leaf);
}

// From here on the world is answered, until the app, the lease or the host ends it.
Task<Result<void>> Cage::serve(const Keys& keys, Provisioner& provisioner, Granted granted, const Leaf& leaf) {
  CO_TRY_ASSIGN(serving_,
                Serving::open(powers_, {manifest_, keys, provisioner, module_id_}, std::move(granted), leaf, changed_));
  serving_->start();
  control_.set_state(wire::CageState::ready);
  powers_.journal.done(stage::kReady);
  while (!app_ended_ && !serving_->lease_ended() && !stopping_) co_await changed_.wait();
  control_.set_state(wire::CageState::draining);
  lease_ended_ = serving_->lease_ended();
  co_await serving_->drain(grace_);
  serving_.reset();
  if (lease_ended_) co_return fail(Code::LEASE_ENDED);
  co_return app_ended_ ? *app_ended_ : Result<void>{};
}

Result<void> Cage::describe_nsm() {
  const auto description = powers_.nsm.describe();
  if (!description) {
    powers_.journal.failed(stage::kNsm, description.error());
    return fail(description.error());
  }
  powers_.journal.done(stage::kNsm, printable(description->module_id));
  module_id_ = description->module_id;
  return {};
}

Result<Leaf> Cage::issue(const Keys& keys, const Granted& granted) {
  auto leaf = issue_leaf(powers_.nsm, keys, granted, powers_.clock, powers_.random);
  powers_.journal.record(stage::kLeaf, quietly(leaf));
  return leaf;
}

Task<Result<void>> Cage::start_app(const Granted& granted) {
  control_.set_state(wire::CageState::starting);
  std::vector<NamedSecret> secrets;
  for (const auto& secret : granted.secrets().secrets) secrets.push_back({secret.name, secret.value.clone()});
  auto spec = make_spec(manifest_, secrets);
  if (spec) spec->resolver = powers_.network != nullptr;
  if (!spec) {
    powers_.journal.failed(stage::kAppStart, spec.error());
    co_return fail(std::move(spec).error());
  }
  app_.spawn("app", supervise(std::move(*spec)));
  const net::Alarm late(powers_.loop.timers(), limits::kAppHealthyTime, [this] { give_up_on_app(); });
  while (!healthy_ && !app_ended_) co_await changed_.wait();
  if (!healthy_) co_return *app_ended_;
  powers_.journal.done(stage::kAppHealthy);
  co_return Result<void>{};
}

Task<void> Cage::supervise(AppSpec spec) {
  app_running_ = true;
  auto outcome = co_await supervisor_.run(std::move(spec), manifest_);
  app_running_ = false;
  if (!outcome) powers_.journal.failed(stage::kAppStart, outcome.error());
  if (!app_ended_) app_ended_.emplace(std::move(outcome));
  changed_.notify();
}

void Cage::give_up_on_app() {
  const Error error(Code::APP_HEALTH, "",
                    "a healthy app within " + std::to_string(limits::kAppHealthyTime.count() / 1000) + " s", "none");
  powers_.journal.failed(stage::kAppHealthy, error);
  if (!app_ended_) app_ended_.emplace(fail(error));
  changed_.notify();
}

// No new work; what is in flight is finished first. Whatever boot was doing is over.
Task<void> Cage::drain(net::TaskGroup& life) {
  while (serving_ && !ended_) co_await changed_.wait();
  co_await life.stop();
}

Task<void> Cage::stop_app() {
  if (app_running_) supervisor_.stop(limits::kAppStopTime);
  while (app_running_) co_await changed_.wait();
  co_await app_.stop();
}

void Cage::stop(Nanoseconds grace) {
  grace_ = stopping_ ? std::min(grace_, grace) : grace;
  if (stopping_ && serving_) serving_->hurry(grace);
  stopping_ = true;
  changed_.notify();
}

Task<void> Cage::send_metrics() {
  for (;;) {
    co_await powers_.loop.timers().sleep(limits::kMetricsInterval);
    control_.send_metrics(sample(counts(), powers_.clock.monotonic()));
  }
}

CageCounts Cage::counts() const {
  CageCounts counts{app_restarts_, 0, {}};
  if (!serving_) return counts;
  counts.connections = serving_->plane().connections();
  counts.plane = serving_->plane().counts();
  return counts;
}

wire::StateAnswer Cage::state() const {
  const wire::JournalEntry& last = powers_.journal.last();
  const auto uptime = static_cast<std::uint64_t>(powers_.clock.monotonic().count());
  return {control_.state(), last.stage, last.code, counts().plane.in_flight, uptime};
}

void Cage::app_started(bool shares_user) {
  powers_.journal.done(stage::kAppStart,
                       shares_user ? "the app has the runtime's own user id: the machine gives only one" : "");
}

void Cage::app_healthy() {
  if (healthy_ && control_.state() == wire::CageState::unhealthy) control_.set_state(wire::CageState::ready);
  healthy_ = true;
  changed_.notify();
}

void Cage::app_unhealthy(const Error& why) {
  powers_.journal.failed(stage::kAppHealthy, why);
  if (control_.state() == wire::CageState::ready) control_.set_state(wire::CageState::unhealthy);
}

void Cage::app_silent(const std::string& listening) {
  powers_.journal.failed(stage::kAppHealthy, Error(Code::APP_HEALTH, "", "", listening));
}

void Cage::app_line(bool error_stream, ByteView line) {
  if (!manifest_.log_app) return;
  control_.log(error_stream ? wire::LogStream::app_err : wire::LogStream::app_out, line);
}

void Cage::app_ended(const Ending& ending, std::optional<Nanoseconds> again) {
  if (!again) return;  // supervise() tells
  ++app_restarts_;
  if (control_.state() == wire::CageState::ready) control_.set_state(wire::CageState::unhealthy);
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(*again).count();
  powers_.journal.failed(stage::kAppStart,
                         Error(Code::APP_EXIT, "again in " + std::to_string(ms) + " ms", "", describe_ending(ending)));
}

}  // namespace cages::runtime
