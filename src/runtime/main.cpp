// SPDX-License-Identifier: Apache-2.0
// cage-runtime: process 1 of an enclave, and what stands between the world and the app in it. This file opens the real
// devices, gives up what is not needed any more, and hands the cage the powers it may use; what is done with them:
//   cage/     the order of a cage's life; joins the others
//   app/      the spawner, the app's namespaces and filter, supervision
//   boot/     machine, entropy, fence, journal, control stream, provisioning, leaf, proof
//   ingress/  PROXY v2, TLS, HTTP, and on to the app
//   egress/   DNS for the app and its connections to the outside; not in the isolated build (networked.cpp, isolated.cpp)
// docs/flows/boot.md tells the order and why.
#include <sys/socket.h>

#include <csignal>
#include <cstdlib>
#include <memory>

#include "attest/nsm_client.h"
#include "base/limits.h"
#include "base/log.h"
#include "net/event_loop.h"
#include "net/signals.h"
#include "net/unix.h"
#include "net/vsock.h"
#include "runtime/boot/clock.h"
#include "runtime/boot/entropy.h"
#include "runtime/boot/fence.h"
#include "runtime/boot/journal.h"
#include "runtime/boot/machine.h"
#include "runtime/cage/cage.h"
#include "wire/manifest.h"

namespace cages::runtime {
namespace {

// Everything that is done before the first word with the outside, by blocking calls.
struct Ground {
  wire::Manifest manifest;
  std::unique_ptr<attest::Nsm> nsm;
  std::unique_ptr<Network> network;  // none in the isolated build
};

// Where there is none, a cage still tells its host so.
class NoNsm final : public attest::NsmChannel {
 public:
  Result<Bytes> exchange(ByteView) override { return fail(Code::MACHINE, "NSM"); }
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
  if (manifest.variant != build_variant()) {
    return fail(Code::MANIFEST, "runtime", std::string(to_text(build_variant())), std::string(to_text(manifest.variant)));
  }
  if (manifest.api_key) return fail(Code::MANIFEST, "auth", "none in this release", "api_key");
  return {};
}

Result<std::string> prepare(Ground& ground) {
  TRY_ASSIGN(const std::vector<std::string> missing, prepare_machine());
  TRY_ASSIGN(const std::vector<std::string> words, check_cmdline());
  TRY_ASSIGN(const Bytes manifest, read_file("/" + std::string(wire::kManifestPath), limits::kManifestBytesMax));
  TRY_ASSIGN(ground.manifest, wire::parse_manifest(manifest));
  TRY(require_supported(ground.manifest));
  TRY_ASSIGN(ground.network, open_network(ground.manifest));
  const std::string noted = joined(words, "command line also has: ");
  return joined(missing, "") + (missing.empty() || noted.empty() ? "" : "; ") + noted;
}

Result<std::string> gather_entropy(Ground& ground) {
  TRY_ASSIGN(auto channel, attest::open_nsm());
  ground.nsm = std::make_unique<attest::Nsm>(std::move(channel));
  TRY_ASSIGN(const bool counted, seed(*ground.nsm));
  return std::string(counted ? "" : "mixed in, not counted by the kernel");
}

// The driver and process managers end a cage by these.
Task<void> hear_signals(net::EventLoop& loop, Cage& cage) {
  net::Signals signals(loop, {SIGTERM, SIGINT});
  for (;;) {
    co_await signals.next();
    cage.stop(limits::kAppStopTime);
  }
}

void log_entry(const wire::JournalEntry& entry) {
  log::info("boot", {{"stage", entry.stage}, {"code", entry.code}, {"detail", entry.detail}});
}

// What is left to reach when the fence is closed: the host, and the app.
FencePlan fence_plan(const wire::Manifest& manifest, bool hybrid) {
  FencePlan plan{.host_family = hybrid ? AF_UNIX : AF_VSOCK, .app_ports = {manifest.port}};
  if (manifest.health.kind != wire::HealthKind::none) plan.app_ports.push_back(manifest.health.port);
  return plan;
}

int run() {
  net::hold_signals({SIGTERM, SIGINT});
  SystemClock machine;
  Journal journal(machine);
  journal.observe([](const wire::JournalEntry& entry, bool) { log_entry(entry); });
  const auto begun = begin_fence();
  if (!begun) journal.failed(stage::kMounts, begun.error());
  const bool hybrid = started_by_process_driver();
  // First of all, while there is nothing secret in memory.
  auto spawner = Spawner::fork();
  if (!spawner) journal.failed(stage::kMounts, spawner.error());
  Ground ground;
  bool ready = begun && spawner && journal.record(stage::kMounts, prepare(ground));
  ready = ready && journal.record(stage::kEntropy, gather_entropy(ground));
  net::EventLoop loop;
  // lifetime: what it opens on the loop goes before the loop.
  const std::unique_ptr<Network> network = std::move(ground.network);
  auto carrier = open_carrier(loop, hybrid);
  if (!carrier) return exit_code(carrier.error());  // nobody to tell
  if (const auto closed = close_fence(fence_plan(ground.manifest, hybrid)); !closed) {
    journal.failed(stage::kMounts, closed.error());
    ready = false;
  } else if (!closed->empty()) {
    journal.done(stage::kMounts, *closed);
  }
  if (!spawner) return 1;
  TrustedClock clock(machine);
  crypto::SystemRandom random;
  LoopbackDialer app(loop);
  if (!ground.nsm) ground.nsm = std::make_unique<attest::Nsm>(std::make_unique<NoNsm>());
  Cage cage({loop, *carrier->dialer, *carrier->listener, *ground.nsm, clock, journal, random, *spawner, app,
             network.get()},
            ground.manifest);
  loop.spawn("signals", hear_signals(loop, cage));
  return loop.run(cage.run(ready)).value_or(1);
}

}  // namespace
}  // namespace cages::runtime

int main() {
  clearenv();  // what the kernel did not know of its command line comes to init as environment
  cages::log::start("cage-runtime");
  return cages::runtime::run();
}
