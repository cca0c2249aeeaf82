// SPDX-License-Identifier: Apache-2.0
#include "host/egress/names.h"

#include <algorithm>

#include "base/limits.h"

namespace cages::host {

Task<Result<std::vector<IpAddress>>> Names::addresses(std::string name, Nanoseconds time) {
  if (const auto found = kept_.find(name); found != kept_.end()) {
    if (loop_.timers().now() < found->second.until) co_return found->second.addresses;
    kept_.erase(found);
  }
  std::shared_ptr<Asked> asked;
  if (const auto found = asked_.find(name); found != asked_.end()) {
    asked = found->second;
  } else {
    asked = std::make_shared<Asked>();
    asked_.emplace(name, asked);
    tasks_.spawn("egress.resolve", ask(name, asked, time));
  }
  while (!asked->answer) co_await asked->arrived.wait();
  if (!*asked->answer) co_return fail(asked->answer->error());
  co_return (*asked->answer)->addresses;
}

Task<void> Names::ask(std::string name, std::shared_ptr<Asked> asked, Nanoseconds time) {
  auto found = co_await source_.addresses(name, time);
  if (found) keep(name, *found);
  asked_.erase(name);
  asked->answer = std::move(found);
  asked->arrived.notify();
}

void Names::keep(const std::string& name, const net::NameAddresses& found) {
  const auto ttl = std::min(found.ttl, limits::kDnsTtlMax);
  if (ttl <= std::chrono::seconds(0)) return;
  if (kept_.size() >= limits::kDnsCacheEntriesMax) {
    kept_.erase(std::ranges::min_element(kept_, {}, [](const auto& entry) { return entry.second.until; }));
  }
  kept_[name] = {found.addresses, loop_.timers().now() + ttl};
}

}  // namespace cages::host
