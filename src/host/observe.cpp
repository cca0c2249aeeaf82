// SPDX-License-Identifier: Apache-2.0
#include "host/observe.h"

#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"

namespace cages::host {
namespace {

bool loopback_authority(std::string_view authority) {
  for (const std::string_view host : {"127.0.0.1", "localhost", "[::1]"}) {
    if (authority == host || (authority.starts_with(host) && authority.substr(host.size()).starts_with(':')))
      return true;
  }
  return false;
}

Observe::Answer refuse(int status, Code code) {
  return {status, "application/json", write_json(error_json(Error(code))) + "\n"};
}

std::string json_line(const Json& value) { return write_json(value) + "\n"; }

}  // namespace

Observe::Observe(net::EventLoop& loop, const Fleet& fleet, const Link& link, const Ingress& ingress, std::string driver)
    : loop_(loop),
      fleet_(fleet),
      link_(link),
      ingress_(ingress),
      driver_(std::move(driver)),
      slots_(limits::kObserveConnectionsMax),
      tasks_(loop) {}

Task<void> Observe::serve(net::Listener& listener) {
  for (;;) {
    auto slot = co_await slots_.take();
    auto accepted = co_await listener.accept();
    if (!accepted) co_return;
    tasks_.spawn("observe.connection", connection(std::move(accepted->stream), std::move(slot)));
  }
}

Task<void> Observe::connection(net::StreamPtr stream, net::Slots::Slot slot) {
  const net::Slots::Slot held = std::move(slot);
  // lifetime: the closure lives until what it is awaited in has ended.
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines)
  const http::Handler handler = [this](http::Request& request, http::Responder& responder) -> Task<Result<void>> {
    const Answer found = answer(request.head.method, request.head.target, request.head.authority);
    http::Headers headers{{"content-type", found.type}, {"cache-control", "no-store"}};
    co_return co_await http::answer(responder, found.status, std::move(headers), to_bytes(found.body));
  };
  static_cast<void>(co_await http::serve(loop_.timers(), *stream, handler, draining_));
}

Observe::Answer Observe::answer(std::string_view method, std::string_view target, std::string_view authority) const {
  if (!loopback_authority(authority)) return refuse(421, Code::NOT_FOUND);
  if (method != "GET" && method != "HEAD") return refuse(405, Code::USAGE);
  if (target == "/health") return {200, "application/json", health()};
  if (target == "/metrics") return {200, "text/plain; version=0.0.4", metrics()};
  const std::size_t slash = target.find('/', 1);
  if (slash == std::string_view::npos) return refuse(404, Code::NOT_FOUND);
  const auto found = fleet_.list().find(std::string(target.substr(slash + 1)));
  if (found == fleet_.list().end()) return refuse(404, Code::NOT_FOUND);
  const Record& record = *found->second->record;
  if (target.substr(0, slash) == "/journal") return {200, "application/json", json_line(record.journal())};
  if (target.substr(0, slash) == "/logs") return {200, "application/json", json_line(record.log())};
  if (target.substr(0, slash) == "/console") {
    const auto& enclave = found->second->enclave;
    return {200, "application/json",
            json_line(Json::object({{"console", enclave ? enclave->console() : std::string()}}))};
  }
  return refuse(404, Code::NOT_FOUND);
}

std::string Observe::health() const {
  Json::Array cages;
  for (const auto& [id, deployment] : fleet_.list()) {
    const auto& enclave = deployment->enclave;
    cages.push_back(Json::object({{"deployment", id},
                                  {"cage", printable(deployment->assignment.cage)},
                                  {"version", deployment->assignment.version},
                                  {"state", wire::name_of(deployment->record->state())},
                                  {"running", enclave != nullptr},
                                  {"routed", deployment->route != nullptr},
                                  {"draining", deployment->draining},
                                  {"starts", deployment->starts},
                                  {"egress", deployment->egress ? Json(hex(deployment->egress->digest())) : Json()},
                                  {"enclave", enclave ? Json(enclave->id()) : Json()},
                                  {"pcr0", enclave ? Json(hex(enclave->measurements().pcr0)) : Json()}}));
  }
  return json_line(
      Json::object({{"platform", link_.connected()}, {"driver", driver_}, {"cages", Json(std::move(cages))}}));
}

std::string Observe::metrics() const {
  const IngressCounts& counts = ingress_.counts();
  std::string out;
  const auto add = [&out](const char* name, std::uint64_t value) {
    out += std::string(name) + " " + std::to_string(value) + "\n";
  };
  add("cage_host_platform_connected", link_.connected() ? 1 : 0);
  add("cage_host_ingress_connections", ingress_.connections());
  add("cage_host_ingress_accepted_total", counts.accepted);
  add("cage_host_ingress_relayed_total", counts.relayed);
  add("cage_host_ingress_refused_full_total", counts.refused_full);
  add("cage_host_ingress_refused_hello_total", counts.refused_hello);
  add("cage_host_ingress_refused_route_total", counts.refused_route);
  add("cage_host_ingress_refused_enclave_total", counts.refused_enclave);
  for (const auto& [id, deployment] : fleet_.list()) {
    out += metric_lines(*deployment->record, deployment->assignment.cage, id);
    const std::string labels = "{deployment=\"" + id + "\",source=\"host\"} ";
    if (const auto& egress = deployment->egress) {
      out += egress_lines(egress->counts(), egress->list(), egress->streams(), deployment->assignment.cage, id);
    }
    const drivers::Usage usage = deployment->enclave ? deployment->enclave->usage() : drivers::Usage{};
    if (usage.memory_bytes) out += "cage_host_memory_bytes" + labels + std::to_string(*usage.memory_bytes) + "\n";
    if (usage.processes) out += "cage_host_processes" + labels + std::to_string(*usage.processes) + "\n";
    if (usage.cpu_ns) out += "cage_host_cpu_ns_total" + labels + std::to_string(*usage.cpu_ns) + "\n";
    out += "cage_host_starts_total" + labels + std::to_string(deployment->starts) + "\n";
  }
  return out;
}

}  // namespace cages::host
