// SPDX-License-Identifier: Apache-2.0
#include "runtime/cage/serving.h"

#include "base/limits.h"
#include "base/text.h"
#include "policy/lease.h"
#include "wire/ports.h"

namespace cages::runtime {
namespace {

// The data plane asks, the prover answers.
class Attestation final : public AttestationResponder {
 public:
  explicit Attestation(Prover& prover) : prover_(prover) {}
  Task<Result<Bytes>> session(ByteView request, const tls::TlsStream& session) override {
    co_return prover_.answer(request, session);
  }
  Task<Result<Bytes>> document(const tls::TlsStream& session) override { co_return prover_.document(session); }

 private:
  Prover& prover_;
};

}  // namespace

Serving::Serving(const CagePowers& powers, ServingFacts facts, Granted granted, net::Event& changed)
    : powers_(powers),
      facts_(std::move(facts)),
      granted_(std::move(granted)),
      changed_(changed),
      prover_(powers_.nsm, facts_.keys, powers_.clock, facts_.cage_id),
      attestation_(std::make_unique<Attestation>(prover_)),
      tasks_(powers_.loop) {}

Result<std::unique_ptr<Serving>> Serving::open(const CagePowers& powers, ServingFacts facts, Granted granted,
                                               const Leaf& leaf, net::Event& changed) {
  std::unique_ptr<Serving> serving(new Serving(powers, std::move(facts), std::move(granted), changed));
  TRY_ASSIGN(tls::Identity identity, tls::Identity::make(leaf.chain_der, serving->facts_.keys.tls));
  TRY_ASSIGN(serving->server_, tls::Server::make(serving->tls_settings(std::move(identity)), powers.clock));
  DataPlaneSettings settings;
  for (const std::string& name : serving->granted_.names()) settings.host_names.push_back(ascii_lower(name));
  const auto dial_app = [&app = powers.app, port = serving->facts_.manifest.port] { return app.dial(port); };
  serving->plane_ = std::make_unique<DataPlane>(powers.loop, *serving->server_, *serving->attestation_, powers.random,
                                                dial_app, std::move(settings));
  TRY_ASSIGN(serving->listener_, powers.ports.listen(wire::port::kIngress));
  return serving;
}

void Serving::start() {
  tasks_.spawn("ingress", plane_->serve(*listener_));
  tasks_.spawn("lease", keep_lease());
  tasks_.spawn("leaf", renew_leaf());
}

Task<void> Serving::drain(Nanoseconds grace) {
  listener_->close();
  co_await plane_->drain(grace);
  co_await tasks_.stop();
}

tls::ServerSettings Serving::tls_settings(tls::Identity identity) const {
  tls::ServerSettings settings{
      .identity = std::move(identity), .alpn = {"http/1.1"}, .client_roots = {}, .client_check = {}};
  if (facts_.manifest.client_cas.empty()) return settings;
  settings.clients = tls::ClientCertificates::required;
  for (const std::string& authority : facts_.manifest.client_cas) settings.client_roots.pem += authority + "\n";
  return settings;
}

Task<void> Serving::keep_lease() {
  const Clock& clock = powers_.clock;
  policy::Lease lease(clock.wall(), clock.monotonic());
  lease.granted(granted_.lease(), clock.monotonic());
  for (;;) {
    co_await powers_.loop.timers().sleep(lease.next(clock.monotonic()) - clock.monotonic());
    lease.observe(clock.wall(), clock.monotonic());
    if (clock.monotonic() >= lease.renew_at()) {
      auto renewed = co_await facts_.provisioner.obtain();
      if (renewed) {
        granted_ = std::move(*renewed);
        lease.granted(granted_.lease(), clock.monotonic());
      } else {
        lease.refused(clock.monotonic());
      }
    }
    const auto phase = lease.phase(clock.monotonic());
    if (phase == policy::Lease::Phase::active) continue;
    powers_.journal.failed(stage::kProvision, Error(Code::LEASE_ENDED));
    lease_ended_ = true;
    changed_.notify();
    co_return;
  }
}

// A new document and a new leaf every kLeafRenewTime; an NSM that does not answer is asked again sooner.
Task<void> Serving::renew_leaf() {
  Nanoseconds wait(limits::kLeafRenewTime);
  for (;;) {
    co_await powers_.loop.timers().sleep(wait);
    const auto shown = show_new_leaf();
    wait = shown ? Nanoseconds(limits::kLeafRenewTime) : Nanoseconds(limits::kLeafRetryTime);
    if (!shown) powers_.journal.failed(stage::kLeaf, shown.error());
  }
}

Result<void> Serving::show_new_leaf() {
  TRY_ASSIGN(const Leaf leaf, issue_leaf(powers_.nsm, facts_.keys, granted_, powers_.clock, powers_.random));
  TRY_ASSIGN(tls::Identity identity, tls::Identity::make(leaf.chain_der, facts_.keys.tls));
  return server_->replace(std::move(identity));
}

}  // namespace cages::runtime
