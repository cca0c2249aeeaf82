// SPDX-License-Identifier: Apache-2.0
// Routes: which enclave answers for a server name. For the ingress; whoever starts and stops enclaves sets them.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/limits.h"
#include "net/event.h"
#include "net/stream.h"

namespace cages::host {

// One cage's way in. Connections that began with a route keep it, whatever replaces it meanwhile.
struct Route {
  Route(std::string name, std::shared_ptr<net::PortDialer> to,
        std::size_t connections_max = limits::kIngressConnectionsPerCageMax)
      : cage(std::move(name)), dialer(std::move(to)), connections(connections_max) {}
  std::string cage;  // for the log
  std::shared_ptr<net::PortDialer> dialer;
  net::Slots connections;
};

class Routes {
 public:
  // set makes `route` answer for `server_name` (lower case) from the next connection on. remove forgets it, if it still
  // is `route`.
  void set(const std::string& server_name, std::shared_ptr<Route> route) { by_name_[server_name] = std::move(route); }
  void remove(const std::string& server_name, const std::shared_ptr<Route>& route) {
    const auto found = by_name_.find(server_name);
    if (found != by_name_.end() && found->second == route) by_name_.erase(found);
  }
  // find returns the route, or null.
  [[nodiscard]] std::shared_ptr<Route> find(const std::string& server_name) const {
    const auto found = by_name_.find(server_name);
    return found == by_name_.end() ? nullptr : found->second;
  }

 private:
  std::map<std::string, std::shared_ptr<Route>> by_name_;
};

}  // namespace cages::host
