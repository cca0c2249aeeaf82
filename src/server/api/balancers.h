// SPDX-License-Identifier: Apache-2.0
// Balancers: the load balancers in front of caged. A connection of theirs begins with a PROXY v2 header that says whose it is;
// nobody else may say so (design §4.2). For caged's two ports.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "net/stream.h"
#include "net/timers.h"

namespace cages::server {

// canonical_address: one text for one address, so that what a token holds can be compared with what a later connection shows.
std::string canonical_address(const std::string& text);

class Balancers {
 public:
  Balancers() = default;
  explicit Balancers(const std::vector<std::string>& addresses) {
    for (const std::string& address : addresses) addresses_.insert(canonical_address(address));
  }
  // name_client makes `accepted.peer` the client that a balancer names. A balancer that names none in kIngressHelloTime is
  // refused: PROXY_V2, CLOSED, TIMEOUT. From anybody else nothing is read.
  Task<Result<void>> name_client(net::Timers& timers, net::Accepted& accepted) const;

 private:
  std::set<std::string> addresses_;
};

}  // namespace cages::server
