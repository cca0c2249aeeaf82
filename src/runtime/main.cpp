// SPDX-License-Identifier: Apache-2.0
// cage-runtime: process 1 of an enclave, and what stands between the world and the app in it. This file joins the parts
// and hands each the powers it may use; what they do is theirs:
//   app/      the spawner, the app's namespaces and filter, supervision
//   boot/     machine, entropy, fence, journal, control stream, provisioning, leaf, proof
//   ingress/  PROXY v2, TLS, HTTP, and on to the app
// docs/flows/boot.md tells the order and why.
#include <sys/socket.h>

#include <csignal>
#include <cstdlib>
#include <memory>
#include <optional>

#include "attest/nsm_client.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "net/event.h"
#include "net/event_loop.h"
#include "net/signals.h"
#include "net/unix.h"
#include "net/vsock.h"
#include "runtime/app/supervisor.h"
#include "runtime/boot/clock.h"
#include "runtime/boot/control.h"
#include "runtime/boot/entropy.h"
#include "runtime/boot/fence.h"
#include "runtime/boot/heartbeat.h"
#include "runtime/boot/journal.h"
#include "runtime/boot/leaf.h"
#include "runtime/boot/lifecycle.h"
#include "runtime/boot/machine.h"
#include "runtime/boot/prover.h"
#include "runtime/boot/provision.h"
#include "runtime/ingress/data_plane.h"
#include "tls/server.h"
#include "wire/manifest.h"
#include "wire/ports.h"

namespace cages::runtime {
namespace {

// Everything that is done before the first word with the outside, by blocking calls.
struct Ground {
  wire::Manifest manifest;
  std::unique_ptr<attest::Nsm> nsm;
};

// How the host is reached: the kernel's vsock, or the hybrid convention where the `process` driver started us.
struct Carrier {
  std::unique_ptr<net::PortDialer> dialer;
  net::PortListener* listener = nullptr;  // the same object
};

bool started_by_process_driver() {
  int type = 0;
  socklen_t length = sizeof type;
  return getsockopt(attest::kNsmSocketFd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_SEQPACKET;
}

Result<Carrier> open_carrier(net::EventLoop& loop, bool hybrid) {
  Carrier carrier;
  if (hybrid) {
    TRY_ASSIGN(net::ListenerPtr listener, net::listen_unix(loop, "/cage/v/v"));
    auto enclave = std::make_unique<net::HybridEnclave>(loop, std::move(listener), "/cage/v");
    carrier.listener = enclave.get();
    carrier.dialer = std::move(enclave);
  } else {
    auto vsock = std::make_unique<net::Vsock>(loop, net::kHostCid);
    carrier.listener = vsock.get();
    carrier.dialer = std::move(vsock);
  }
  return carrier;
}

std::string joined(const std::vector<std::string>& parts, std::string_view before) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? std::string(before) : ", ") + part;
  return text;
}

// What an image asks for and this build cannot do must not be left out silently: it may be what protects the app.
Result<void> require_supported(const wire::Manifest& manifest) {
  if (manifest.tls != wire::TlsMode::terminate) return fail(Code::MANIFEST, "tls", "terminate", "passthrough");
  if (manifest.api_key) return fail(Code::MANIFEST, "auth", "none in this release", "api_key");
  return {};
}

Result<std::string> prepare(Ground& ground) {
  TRY_ASSIGN(const std::vector<std::string> missing, prepare_machine());
  TRY_ASSIGN(const std::vector<std::string> words, check_cmdline());
  TRY_ASSIGN(const Bytes manifest, read_file("/" + std::string(wire::kManifestPath), limits::kManifestBytesMax));
  TRY_ASSIGN(ground.manifest, wire::parse_manifest(manifest));
  TRY(require_supported(ground.manifest));
  const std::string noted = joined(words, "command line also has: ");
  return joined(missing, "") + (missing.empty() || noted.empty() ? "" : "; ") + noted;
}

Result<std::string> gather_entropy(Ground& ground) {
  TRY_ASSIGN(auto channel, attest::open_nsm());
  ground.nsm = std::make_unique<attest::Nsm>(std::move(channel));
  TRY_ASSIGN(const bool counted, seed(*ground.nsm));
  return std::string(counted ? "" : "mixed in, not counted by the kernel");
}

// One stage: what it returns goes to the journal, either way.
bool record(Journal& journal, std::string_view stage, const Result<std::string>& outcome) {
  if (outcome) {
    journal.done(stage, *outcome);
  } else {
    journal.failed(stage, outcome.error());
  }
  return outcome.has_value();
}

// The data plane asks, the prover answers.
class Attestation final : public AttestationResponder {
 public:
  explicit Attestation(Prover& prover) : prover_(prover) {}
  Task<Result<Bytes>> session(ByteView request, const tls::TlsStream& session) override {
    co_return prover_.answer(request, session);
  }
  Task<Result<Bytes>> document() override { co_return prover_.document(); }

 private:
  Prover& prover_;
};

// The cage from the moment it can talk to its host. Lives in main; everything it starts ends before it does.
class Cage final : AppWatcher {
 public:
  Cage(net::EventLoop& loop, TrustedClock& clock, Journal& journal, Carrier& carrier, Ground& ground,
       AppStarter& starter)
      : loop_(loop),
        clock_(clock),
        journal_(journal),
        carrier_(carrier),
        ground_(ground),
        control_(loop, *carrier.dialer, journal),
        dialer_(loop),
        supervisor_(loop, starter, dialer_, *this) {}

  // run lives the cage's life to its end and returns the exit code.
  Task<int> run(bool ground_is_ready) {
    loop_.spawn("control", control_.run());
    loop_.spawn("signals", hear_signals());
    const LifecycleActs acts{[this] { return state(); }, [this](Nanoseconds grace) { stop(grace); }};
    auto listener = carrier_.listener->listen(wire::port::kLifecycle);
    if (listener) loop_.spawn("life cycle", serve_lifecycle(loop_, **listener, acts));
    bool well = false;
    if (ground_is_ready && listener) {
      net::TaskGroup life(loop_);
      life.spawn("life", live());
      while (!ended_ && !stopping_) co_await changed_.wait();
      co_await drain(life);
      co_await stop_app();
      well = stopping_ || ended_->has_value() || lease_ended_;
    }
    control_.set_state(well ? wire::CageState::stopped : wire::CageState::failed);
    co_await control_.flush(limits::kControlFlushTime);
    co_return well ? 0 : 1;
  }

 private:
  Task<void> live() {
    ended_.emplace(co_await boot_and_serve());
    changed_.notify();
  }

  Task<Result<void>> boot_and_serve() {
    CO_TRY(co_await stage(stage::kHeartbeat, heartbeat(loop_.timers(), *carrier_.dialer)));
    CO_TRY(describe_nsm());
    CO_TRY_ASSIGN(const Keys keys, Keys::make());
    control_.set_state(wire::CageState::provisioning);
    std::vector<crypto::KeyHash> roots(ground_.manifest.platform_roots.begin(), ground_.manifest.platform_roots.end());
    Provisioner provisioner({loop_, *carrier_.dialer, *ground_.nsm, control_, journal_, clock_, keys},
                            std::move(roots));
    CO_TRY_ASSIGN(Granted granted, co_await provisioner.obtain_first());
    CO_TRY_ASSIGN(Leaf leaf, issue(keys, granted));
    CO_TRY(co_await start_app(granted));
    co_return co_await serve(keys, provisioner, std::move(granted), std::move(leaf));
  }

  // From here on the world is answered, until the app, the lease or the host ends it.
  Task<Result<void>> serve(const Keys& keys, Provisioner& provisioner, Granted granted, Leaf leaf) {
    CO_TRY_ASSIGN(const auto identity, tls::Identity::make(leaf.chain_der, keys.tls));
    CO_TRY_ASSIGN(const auto server, tls::Server::make(tls_settings(identity), clock_));
    Prover prover(*ground_.nsm, keys, clock_, module_id_);
    prover.show(std::move(leaf.document));
    Attestation attestation(prover);
    const auto dial_app = [this] { return dialer_.dial(ground_.manifest.port); };
    DataPlaneSettings settings;
    for (const std::string& name : granted.names()) settings.host_names.push_back(ascii_lower(name));
    DataPlane plane(loop_, *server, attestation, random_, dial_app, std::move(settings));
    CO_TRY_ASSIGN(const net::ListenerPtr listener, carrier_.listener->listen(wire::port::kIngress));
    net::TaskGroup tasks(loop_);
    tasks.spawn("ingress", plane.serve(*listener));
    tasks.spawn("lease", keep_lease(provisioner, granted));
    tasks.spawn("leaf", renew_leaf(keys, granted, *server, prover));
    serving_ = true;
    control_.set_state(wire::CageState::ready);
    journal_.done(stage::kReady);
    while (!app_ended_ && !lease_ended_ && !stopping_) co_await changed_.wait();
    control_.set_state(wire::CageState::draining);
    listener->close();
    co_await plane.drain(grace_);
    co_await tasks.stop();
    if (lease_ended_) co_return fail(Code::LEASE_ENDED);
    co_return app_ended_ ? *app_ended_ : Result<void>{};
  }

  tls::ServerSettings tls_settings(const tls::Identity& identity) const {
    tls::ServerSettings settings{.identity = identity, .alpn = {"http/1.1"}, .client_roots = {}, .client_check = {}};
    if (ground_.manifest.client_cas.empty()) return settings;
    settings.clients = tls::ClientCertificates::required;
    for (const std::string& authority : ground_.manifest.client_cas) settings.client_roots.pem += authority + "\n";
    return settings;
  }

  Task<void> keep_lease(Provisioner& provisioner, Granted& granted) {
    policy::Lease lease(clock_.wall(), clock_.monotonic());
    lease.granted(granted.lease(), clock_.monotonic());
    for (;;) {
      co_await loop_.timers().sleep(lease.next(clock_.monotonic()) - clock_.monotonic());
      lease.observe(clock_.wall(), clock_.monotonic());
      if (clock_.monotonic() >= lease.renew_at()) {
        auto renewed = co_await provisioner.obtain();
        if (renewed) {
          granted = std::move(*renewed);
          lease.granted(granted.lease(), clock_.monotonic());
        } else {
          lease.refused(clock_.monotonic());
        }
      }
      const auto phase = lease.phase(clock_.monotonic());
      if (phase == policy::Lease::Phase::active) continue;
      journal_.failed(stage::kProvision, Error(Code::LEASE_ENDED));
      lease_ended_ = true;
      changed_.notify();
      co_return;
    }
  }

  // A new document and a new leaf every kLeafRenewTime; an NSM that does not answer is asked again sooner.
  Task<void> renew_leaf(const Keys& keys, const Granted& granted, tls::Server& server, Prover& prover) {
    Nanoseconds wait(limits::kLeafRenewTime);
    for (;;) {
      co_await loop_.timers().sleep(wait);
      const auto shown = show_new_leaf(keys, granted, server, prover);
      wait = shown ? Nanoseconds(limits::kLeafRenewTime) : Nanoseconds(limits::kLeafRetryTime);
      if (!shown) journal_.failed(stage::kLeaf, shown.error());
    }
  }

  Result<void> show_new_leaf(const Keys& keys, const Granted& granted, tls::Server& server, Prover& prover) {
    TRY_ASSIGN(Leaf leaf, issue_leaf(*ground_.nsm, keys, granted, clock_, random_));
    TRY_ASSIGN(tls::Identity identity, tls::Identity::make(leaf.chain_der, keys.tls));
    TRY(server.replace(std::move(identity)));
    prover.show(std::move(leaf.document));
    return {};
  }

  // Runs one stage and writes down how it ended.
  Task<Result<void>> stage(std::string_view name, Task<Result<void>> act) {
    const auto outcome = co_await std::move(act);
    record(journal_, name, outcome ? Result<std::string>(std::string()) : fail(outcome.error()));
    co_return outcome;
  }

  Result<void> describe_nsm() {
    const auto description = ground_.nsm->describe();
    record(journal_, stage::kNsm,
           description ? Result<std::string>(printable(description->module_id))
                       : Result<std::string>(fail(description.error())));
    if (!description) return fail(description.error());
    module_id_ = description->module_id;
    return {};
  }

  Result<Leaf> issue(const Keys& keys, const Granted& granted) {
    auto leaf = issue_leaf(*ground_.nsm, keys, granted, clock_, random_);
    record(journal_, stage::kLeaf, leaf ? Result<std::string>(std::string()) : Result<std::string>(fail(leaf.error())));
    return leaf;
  }

  Task<Result<void>> start_app(const Granted& granted) {
    control_.set_state(wire::CageState::starting);
    std::vector<NamedSecret> secrets;
    for (const auto& secret : granted.secrets().secrets) secrets.push_back({secret.name, secret.value.clone()});
    auto spec = make_spec(ground_.manifest, secrets);
    if (!spec) {
      journal_.failed(stage::kAppStart, spec.error());
      co_return fail(std::move(spec).error());
    }
    loop_.spawn("app", supervise(std::move(*spec)));
    const auto late = loop_.timers().call_after(limits::kAppHealthyTime, [this] { give_up_on_app(); });
    while (!healthy_ && !app_ended_) co_await changed_.wait();
    if (!healthy_) {
      loop_.timers().cancel(late);
      co_return *app_ended_;
    }
    loop_.timers().cancel(late);
    journal_.done(stage::kAppHealthy);
    co_return Result<void>{};
  }

  Task<void> supervise(AppSpec spec) {
    app_running_ = true;
    auto outcome = co_await supervisor_.run(std::move(spec), ground_.manifest);
    app_running_ = false;
    if (!outcome) journal_.failed(stage::kAppStart, outcome.error());
    if (!app_ended_) app_ended_.emplace(std::move(outcome));
    changed_.notify();
  }

  void give_up_on_app() {
    const Error error(Code::APP_HEALTH, "",
                      "a healthy app within " + std::to_string(limits::kAppHealthyTime.count() / 1000) + " s", "none");
    journal_.failed(stage::kAppHealthy, error);
    if (!app_ended_) app_ended_.emplace(fail(error));
    changed_.notify();
  }

  // No new work; what is in flight is finished first. Whatever boot was doing is over.
  Task<void> drain(net::TaskGroup& life) {
    while (serving_ && !ended_) co_await changed_.wait();
    co_await life.stop();
  }

  Task<void> stop_app() {
    if (!app_running_) co_return;
    supervisor_.stop(limits::kAppStopTime);
    while (app_running_) co_await changed_.wait();
  }

  void stop(Nanoseconds grace) {
    grace_ = stopping_ ? std::min(grace_, grace) : grace;
    stopping_ = true;
    changed_.notify();
  }

  Task<void> hear_signals() {
    net::Signals signals(loop_, {SIGTERM, SIGINT});
    for (;;) {
      co_await signals.next();
      stop(limits::kAppStopTime);
    }
  }

  [[nodiscard]] wire::StateAnswer state() const {
    const wire::JournalEntry& last = journal_.last();
    return {control_.state(), last.stage, last.code, 0, static_cast<std::uint64_t>(clock_.monotonic().count())};
  }

  // AppWatcher
  void app_started(bool shares_user) override {
    journal_.done(stage::kAppStart,
                  shares_user ? "the app has the runtime's own user id: the machine gives only one" : "");
  }
  void app_healthy() override {
    if (healthy_ && control_.state() == wire::CageState::unhealthy) control_.set_state(wire::CageState::ready);
    healthy_ = true;
    changed_.notify();
  }
  void app_unhealthy(const Error& why) override {
    journal_.failed(stage::kAppHealthy, why);
    if (control_.state() == wire::CageState::ready) control_.set_state(wire::CageState::unhealthy);
  }
  void app_silent(const std::string& listening) override {
    journal_.failed(stage::kAppHealthy, Error(Code::APP_HEALTH, "", "", listening));
  }
  void app_line(bool error_stream, ByteView line) override {
    if (!ground_.manifest.log_app) return;
    control_.log(error_stream ? wire::LogStream::app_err : wire::LogStream::app_out, line);
  }
  void app_ended(const Ending& ending, std::optional<Nanoseconds> again) override {
    if (!again) return;  // supervise() tells
    if (control_.state() == wire::CageState::ready) control_.set_state(wire::CageState::unhealthy);
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(*again).count();
    journal_.failed(stage::kAppStart,
                    Error(Code::APP_EXIT, "again in " + std::to_string(ms) + " ms", "", describe_ending(ending)));
  }

  net::EventLoop& loop_;
  TrustedClock& clock_;
  Journal& journal_;
  Carrier& carrier_;
  Ground& ground_;
  crypto::SystemRandom random_;
  Control control_;
  LoopbackDialer dialer_;
  Supervisor supervisor_;
  net::Event changed_;
  std::optional<Result<void>> ended_;
  std::optional<Result<void>> app_ended_;
  std::string module_id_;
  bool serving_ = false;
  bool lease_ended_ = false;
  bool app_running_ = false;
  bool healthy_ = false;
  bool stopping_ = false;
  Nanoseconds grace_{limits::kAppStopTime};
};

void log_entry(const wire::JournalEntry& entry) {
  log::info("boot", {{"stage", entry.stage}, {"code", entry.code}, {"detail", entry.detail}});
}

int run() {
  SystemClock machine;
  Journal journal(machine);
  journal.observe([](const wire::JournalEntry& entry, bool) { log_entry(entry); });
  if (const auto fenced = begin_fence(); !fenced) journal.failed(stage::kMounts, fenced.error());
  const bool hybrid = started_by_process_driver();
  // First of all, while there is nothing secret in memory.
  auto spawner = Spawner::fork();
  if (!spawner) journal.failed(stage::kMounts, spawner.error());
  Ground ground;
  bool ready = spawner && record(journal, stage::kMounts, prepare(ground));
  ready = ready && record(journal, stage::kEntropy, gather_entropy(ground));
  net::EventLoop loop;
  auto carrier = open_carrier(loop, hybrid);
  if (!carrier) return exit_code(carrier.error());  // nobody to tell
  if (const auto closed = close_fence(ground.manifest.variant); !closed) {
    journal.failed(stage::kMounts, closed.error());
    ready = false;
  } else if (!closed->empty()) {
    journal.done(stage::kMounts, *closed);
  }
  if (!spawner) return 1;
  TrustedClock clock(machine);
  Cage cage(loop, clock, journal, *carrier, ground, *spawner);
  return loop.run(cage.run(ready)).value_or(1);
}

}  // namespace
}  // namespace cages::runtime

int main() {
  clearenv();  // what the kernel did not know of its command line comes to init as environment
  cages::log::start("cage-runtime");
  return cages::runtime::run();
}
