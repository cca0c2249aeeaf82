// SPDX-License-Identifier: Apache-2.0
// Fleet: the enclaves of this host: one for each deployment that caged assigned, started, routed to when ready, started
// again when it ends, drained when it is no longer assigned. For cage-host.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "host/broker/link.h"
#include "host/config.h"
#include "host/drivers/driver.h"
#include "host/enclave_ports.h"
#include "host/ingress/routes.h"
#include "host/record.h"
#include "net/event.h"
#include "net/event_loop.h"

namespace cages::host {

struct Deployment {
  explicit Deployment(wire::Assignment a) : assignment(std::move(a)), id(wire::write_id(assignment.deployment)) {}
  wire::Assignment assignment;
  std::string id;
  std::shared_ptr<Record> record = std::make_shared<Record>();
  std::shared_ptr<drivers::Enclave> enclave;  // none while it is down
  std::shared_ptr<Egress> egress;             // of the enclave that runs; none where the list is empty
  std::shared_ptr<Route> route;               // set while it is ready
  std::uint64_t starts = 0;
  bool draining = false;
  bool ended = false;
  std::string reported;  // the state that caged was told last
};
using DeploymentPtr = std::shared_ptr<Deployment>;

class Fleet {
 public:
  // lifetime: all references outlive the fleet; await stop() before it goes.
  Fleet(net::EventLoop& loop, const HostConfig& config, drivers::Driver& driver, Link& link, Routes& routes, EgressMeans means);

  // assign takes caged's whole list: what is new is started, what is missing or drains is drained.
  void assign(const wire::Assignments& assignments);
  // stop drains every enclave within kHostDrainTime and ends what is left.
  Task<void> stop();
  // list: by deployment id.
  [[nodiscard]] const std::map<std::string, DeploymentPtr>& list() const { return deployments_; }

 private:
  Task<void> run(DeploymentPtr deployment);
  Task<Result<void>> run_once(Deployment& deployment);
  Task<Result<std::shared_ptr<Egress>>> make_egress(const Deployment& deployment, const std::string& enclave);
  Task<Result<std::filesystem::path>> fetch(const Deployment& deployment);
  Task<void> drain(DeploymentPtr deployment);
  Task<void> report(wire::InstanceReport report);
  void state_changed(Deployment& deployment);
  void unroute(Deployment& deployment);

  net::EventLoop& loop_;
  const HostConfig& config_;
  drivers::Driver& driver_;
  Link& link_;
  Routes& routes_;
  EgressMeans egress_means_;
  std::map<std::string, DeploymentPtr> deployments_;
  bool stopping_ = false;
  net::Event changed_;
  net::TaskGroup tasks_;
};

}  // namespace cages::host
