// SPDX-License-Identifier: Apache-2.0
#include "host/fleet.h"

#include <algorithm>

#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "crypto/random.h"
#include "host/lifecycle.h"

namespace cages::host {
namespace {

// The ingress dials by this; it outlives the enclave where connections do.
class EnclaveDialer final : public net::PortDialer {
 public:
  explicit EnclaveDialer(std::weak_ptr<drivers::Enclave> enclave) : enclave_(std::move(enclave)) {}
  Task<Result<net::StreamPtr>> dial(std::uint32_t port) override {
    const auto enclave = enclave_.lock();
    if (!enclave) co_return fail(Code::UNREACHABLE, "enclave", "a running one", "it has ended");
    co_return co_await enclave->connect(port);
  }

 private:
  std::weak_ptr<drivers::Enclave> enclave_;
};

class LinkBroker final : public Broker {
 public:
  LinkBroker(Link& link, wire::Id deployment) : link_(link), deployment_(deployment) {}
  Task<Result<std::string>> token() override { return link_.token(deployment_); }
  Task<Result<net::StreamPtr>> open_provisioner() override { return link_.open_provisioner(deployment_); }

 private:
  Link& link_;
  wire::Id deployment_;
};

}  // namespace

Fleet::Fleet(net::EventLoop& loop, const HostConfig& config, drivers::Driver& driver, Link& link, Routes& routes,
             EgressMeans means)
    : loop_(loop), config_(config), driver_(driver), link_(link), routes_(routes), egress_means_(means), tasks_(loop) {}

void Fleet::assign(const wire::Assignments& assignments) {
  if (stopping_) return;
  std::map<std::string, const wire::Assignment*> wanted;
  for (const auto& assignment : assignments.all) wanted.emplace(wire::write_id(assignment.deployment), &assignment);
  for (const auto& [id, deployment] : deployments_) {
    const auto found = wanted.find(id);
    const bool go_on = found != wanted.end() && !found->second->drain;
    if (!go_on && !deployment->draining) tasks_.spawn("fleet.drain", drain(deployment));
  }
  for (const auto& [id, assignment] : wanted) {
    if (deployments_.contains(id)) continue;
    if (assignment->drain) {  // nothing of it runs here: the platform need not ask again
      tasks_.spawn("fleet.report", report({assignment->deployment, "gone", ""}));
      continue;
    }
    if (deployments_.size() >= limits::kHostEnclavesMax) {
      log::warning("fleet.full", {{"deployment", id}, {"most", std::to_string(limits::kHostEnclavesMax)}});
      continue;
    }
    const auto deployment = std::make_shared<Deployment>(*assignment);
    deployments_.emplace(id, deployment);
    tasks_.spawn("fleet.run", run(deployment));
  }
}

Task<void> Fleet::run(DeploymentPtr deployment) {
  Nanoseconds pause = limits::kHostRestartTimeFirst;
  while (!deployment->draining) {
    const Nanoseconds began = loop_.timers().now();
    const auto done = co_await run_once(*deployment);
    if (!done) {
      log::error("fleet.start", done.error(), {{"cage", deployment->assignment.cage}, {"deployment", deployment->id}});
      deployment->record->take(wire::JournalEntry{"driver.check", 0, std::string(code_info(done.error().code).name), describe(done.error())});
    }
    if (deployment->draining) break;
    const std::string code = done ? deployment->record->last_code() : std::string(code_info(done.error().code).name);
    tasks_.spawn("fleet.report", report({deployment->assignment.deployment, "gone", code}));
    // One that ran for long is started again at once; one that does not come up ever more rarely.
    const bool ran = loop_.timers().now() - began > limits::kHostRestartTimeMax;
    pause = ran ? limits::kHostRestartTimeFirst : std::min<Nanoseconds>(2 * pause, limits::kHostRestartTimeMax);
    const Nanoseconds until = loop_.timers().now() + pause;
    while (!deployment->draining && loop_.timers().now() < until) co_await loop_.timers().sleep(limits::kHostAcceptPause);
  }
  deployment->ended = true;
  deployments_.erase(deployment->id);
  co_await report({deployment->assignment.deployment, "gone", deployment->record->last_code()});
  changed_.notify();
}

Task<Result<std::filesystem::path>> Fleet::fetch(const Deployment& deployment) {
  const auto folder = config_.state / "images";
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  // Named by what is in it: written by fetch_image alone, which has compared the hash.
  const auto path = folder / (hex(deployment.assignment.image_sha256) + ".eif");
  if (!std::filesystem::exists(path, failed)) CO_TRY(co_await link_.fetch_image(deployment.assignment.deployment, path));
  co_return path;
}

// The host's own copy of the list, from the deployment's record; the enclave's is not asked for.
Task<Result<std::shared_ptr<Egress>>> Fleet::make_egress(const Deployment& deployment, const std::string& enclave) {
  if (!deployment.assignment.egress) co_return nullptr;
  CO_TRY_ASSIGN(policy::AllowList list,
                co_await link_.fetch_egress_list(deployment.assignment.deployment, *deployment.assignment.egress));
  if (list.empty()) co_return nullptr;
  const auto egress = std::make_shared<Egress>(loop_, egress_means_, std::move(list), enclave);
  log::info("fleet.egress", {{"cage", deployment.assignment.cage}, {"enclave", enclave}, {"list", hex(egress->digest())},
                             {"entries", std::to_string(egress->list().size())}});
  co_return egress;
}

Task<Result<void>> Fleet::run_once(Deployment& deployment) {
  const auto& assignment = deployment.assignment;
  CO_TRY_ASSIGN(const std::filesystem::path image, co_await fetch(deployment));
  crypto::SystemRandom random;
  drivers::StartOptions options;
  options.image = image;
  options.id = hex(random.array<8>());
  options.memory_mib = assignment.memory_mib != 0 ? assignment.memory_mib : config_.memory_mib;
  options.cpus = static_cast<double>(assignment.cpus);
  options.instance_id = config_.instance_id;
  options.role_arn = config_.role_arn;
  CO_TRY_ASSIGN(const std::shared_ptr<Egress> egress, co_await make_egress(deployment, options.id));
  deployment.egress = egress;
  const std::vector<std::uint32_t> open_ports = enclave_ports(egress != nullptr);
  options.ports = open_ports;
  ++deployment.starts;
  auto record = std::make_shared<Record>();
  deployment.record = record;
  CO_TRY_ASSIGN(drivers::EnclavePtr started, co_await driver_.start(std::move(options)));
  const std::shared_ptr<drivers::Enclave> enclave = std::move(started);
  deployment.enclave = enclave;
  log::info("fleet.started", {{"cage", assignment.cage}, {"deployment", deployment.id}, {"enclave", enclave->id()},
                              {"pcr0", hex(enclave->measurements().pcr0)}});
  for (const auto& stage : enclave->stages()) record->stage(stage.name, stage.took_ns, stage.detail);
  LinkBroker broker(link_, assignment.deployment);
  EnclavePorts ports(loop_, *record, broker, egress.get(), enclave->id(), [this, &deployment] { state_changed(deployment); });
  for (const auto port : open_ports) {
    CO_TRY_ASSIGN(auto listener, enclave->accept(port));
    ports.serve(port, std::move(listener));
  }
  if (deployment.draining) co_await enclave->stop(Nanoseconds(0));
  const drivers::Exit exit = co_await enclave->wait();
  unroute(deployment);
  deployment.enclave.reset();
  co_await ports.stop();
  log::info("fleet.ended", {{"cage", assignment.cage}, {"enclave", enclave->id()}, {"cause", std::string(name_of(exit.cause))},
                            {"code", std::to_string(exit.code)}, {"console", exit.last_words}});
  co_return Result<void>{};
}

// A name leads to the newest enclave that said it is ready; that it lies is its users' verifier's business.
void Fleet::state_changed(Deployment& deployment) {
  const wire::CageState state = deployment.record->state();
  const std::string word(wire::name_of(state));
  if (deployment.reported != word) {
    deployment.reported = word;
    tasks_.spawn("fleet.report", report({deployment.assignment.deployment, word, deployment.record->last_code()}));
  }
  const bool serves = state == wire::CageState::ready && deployment.enclave && !deployment.draining;
  if (serves && !deployment.route) {
    deployment.route = std::make_shared<Route>(deployment.assignment.cage, std::make_shared<EnclaveDialer>(deployment.enclave));
    for (const auto& name : deployment.assignment.names) routes_.set(name, deployment.route);
    log::info("fleet.routed", {{"cage", deployment.assignment.cage}, {"enclave", deployment.enclave->id()}});
  } else if (!serves) {
    unroute(deployment);
  }
}

void Fleet::unroute(Deployment& deployment) {
  if (!deployment.route) return;
  for (const auto& name : deployment.assignment.names) routes_.remove(name, deployment.route);
  deployment.route.reset();
}

Task<void> Fleet::report(wire::InstanceReport report) {
  if (link_.connected()) co_await link_.report(std::move(report));
}

// No new connections, then the enclave finishes what it has within the time, then it ends.
Task<void> Fleet::drain(DeploymentPtr deployment) {
  deployment->draining = true;
  unroute(*deployment);
  const std::shared_ptr<drivers::Enclave> enclave = deployment->enclave;
  if (!enclave) co_return;
  const auto drained = co_await drain_enclave(loop_, *enclave, limits::kHostDrainTime);
  if (!drained) log::error("fleet.drain", drained.error(), {{"enclave", enclave->id()}});
  co_await enclave->stop(limits::kEnclaveStopTime);
}

Task<void> Fleet::stop() {
  stopping_ = true;
  for (const auto& [id, deployment] : deployments_) {
    if (!deployment->draining) tasks_.spawn("fleet.drain", drain(deployment));
  }
  const Nanoseconds until = loop_.timers().now() + limits::kHostDrainTime + 2 * limits::kEnclaveStopTime;
  while (!deployments_.empty() && loop_.timers().now() < until) co_await loop_.timers().sleep(limits::kHostAcceptPause);
  co_await tasks_.stop();
}

}  // namespace cages::host
