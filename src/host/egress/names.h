// SPDX-License-Identifier: Apache-2.0
// Names: what a cage's names resolve to, kept no longer than their TTLs and within a bound. One for each cage, so that
// none can tell by time what another asked for. For host/egress.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "net/event.h"
#include "net/event_loop.h"
#include "net/names/resolver.h"

namespace cages::host {

class Names {
 public:
  // lifetime: both outlive it, and its waiters end before it goes.
  Names(net::EventLoop& loop, net::NameSource& source) : loop_(loop), source_(source), tasks_(loop) {}

  // addresses answers from what is kept, or asks; many who want one name ask once. As NameSource.
  Task<Result<std::vector<IpAddress>>> addresses(std::string name, Nanoseconds time);
  Task<void> stop() { return tasks_.stop(); }
  [[nodiscard]] std::size_t kept() const { return kept_.size(); }

 private:
  struct Kept {
    std::vector<IpAddress> addresses;
    Nanoseconds until{};
  };
  struct Asked {
    std::optional<Result<net::NameAddresses>> answer;
    net::Event arrived;
  };
  Task<void> ask(std::string name, std::shared_ptr<Asked> asked, Nanoseconds time);
  void keep(const std::string& name, const net::NameAddresses& found);

  net::EventLoop& loop_;
  net::NameSource& source_;
  std::map<std::string, Kept> kept_;
  std::map<std::string, std::shared_ptr<Asked>> asked_;
  net::TaskGroup tasks_;
};

}  // namespace cages::host
