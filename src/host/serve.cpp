// SPDX-License-Identifier: Apache-2.0
#include "host/serve.h"

#include <signal.h>

#include <iostream>

#include "base/json.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "host/drivers/process.h"
#include "host/enrolment.h"
#include "host/fleet.h"
#include "host/observe.h"
#include "net/signals.h"
#include "net/tcp.h"

namespace cages::host {
namespace {

// A host that was given no instance id has one of its own that stays: caged may enrol it (PCR4).
std::string own_instance_id() {
  const auto machine = read_file("/etc/machine-id", 256);
  const auto digest = crypto::sha256(machine ? ByteView(*machine) : ByteView());
  return "i-" + hex(digest).substr(0, 17);
}

void complete(HostConfig& config) {
  std::error_code failed;
  if (config.nsm_program.empty()) config.nsm_program = std::filesystem::read_symlink("/proc/self/exe", failed).parent_path() / "cage-nsm";
  if (config.instance_id.empty()) config.instance_id = own_instance_id();
}

Task<Result<int>> run(net::EventLoop& loop, const HostConfig& config, std::string enrol_code) {
  net::Signals signals(loop, {SIGTERM, SIGINT});
  if (!enrol_code.empty()) CO_TRY(co_await enrol(loop, config, std::move(enrol_code)));
  CO_TRY_ASSIGN(const auto link, load_link(loop, config));
  CO_TRY_ASSIGN(const auto driver, drivers::ProcessDriver::open(loop, {config.run, config.nsm_program, config.nsm_state, "",
                                                                       !config.development, config.shared_kernel}));
  CO_TRY_ASSIGN(const net::ListenerPtr front, net::listen_tcp(loop, config.ingress.host, config.ingress.port));
  CO_TRY_ASSIGN(const net::ListenerPtr back, net::listen_tcp(loop, config.observe.host, config.observe.port));
  Routes routes;
  Ingress ingress(loop, routes, {config.proxy_peers});
  CO_TRY_ASSIGN(const auto destinations, policy::DestinationPolicy::make(config.egress_ranges));
  CO_TRY_ASSIGN(const auto resolver, net::Resolver::make(loop, config.dns_servers));
  TcpConnector connector(loop);
  const double dials = config.egress_dials_per_second;
  Fleet fleet(loop, config, *driver, *link, routes, {*resolver, connector, destinations, dials, 2 * dials});
  Observe observe(loop, fleet, *link, ingress, driver->describe());
  net::TaskGroup tasks(loop);
  tasks.spawn("host.ingress", ingress.serve(*front));
  tasks.spawn("host.observe", observe.serve(*back));
  tasks.spawn("host.link", link->run_session([&fleet](const wire::Assignments& assignments) { fleet.assign(assignments); }));
  std::cout << write_json(Json::object({{"event", "listening"}, {"ingress", std::int64_t{front->port()}}, {"observe", std::int64_t{back->port()}}}))
            << std::endl;
  co_await signals.next();
  log::info("host.draining");
  // Requests in flight finish: the ingress goes on until the enclaves have ended.
  front->close();
  co_await fleet.stop();
  back->close();
  co_await tasks.stop();
  co_await ingress.stop();
  co_await observe.stop();
  co_return 0;
}

}  // namespace

Result<int> serve(HostConfig config, const std::string& enrol_code) {
  complete(config);
  net::EventLoop loop;
  auto outcome = loop.run(run(loop, config, enrol_code));
  if (!outcome) return fail(Code::INTERRUPTED);
  return std::move(*outcome);
}

Result<int> enrol_host(const HostConfig& config, const std::string& enrol_code) {
  net::EventLoop loop;
  const auto outcome = loop.run(enrol(loop, config, enrol_code));
  if (!outcome) return fail(Code::INTERRUPTED);
  if (!*outcome) return fail(outcome->error());
  return 0;
}

}  // namespace cages::host
