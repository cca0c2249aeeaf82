// SPDX-License-Identifier: Apache-2.0
#include "host/egress/dial.h"

#include <algorithm>
#include <memory>

#include "base/limits.h"
#include "net/event.h"
#include "net/tcp.h"

namespace cages::host {
namespace {

struct Attempts {
  net::Event changed;
  net::StreamPtr won;
  std::size_t failed = 0;
  std::string reason = "no answer in time";
};

Task<void> attempt(Connector& connector, policy::Destination destination, std::shared_ptr<Attempts> attempts) {
  auto stream = co_await connector.connect(destination);
  if (stream && !attempts->won) {
    attempts->won = std::move(*stream);
  } else if (!stream) {
    ++attempts->failed;
    attempts->reason = write_ip(destination.address()) + ": " + stream.error().got;
  }
  attempts->changed.notify();
}

// Wakes the attempts after a time; forgotten with this.
class Wake {
 public:
  Wake(net::Timers& timers, std::shared_ptr<Attempts> attempts, Nanoseconds time) : timers_(timers) {
    entry_ = timers_.call_after(time, [this, attempts = std::move(attempts)] {
      due_ = true;
      attempts->changed.notify();
    });
  }
  ~Wake() {
    if (!due_) timers_.cancel(entry_);
  }
  Wake(const Wake&) = delete;
  Wake& operator=(const Wake&) = delete;
  [[nodiscard]] bool due() const { return due_; }

 private:
  net::Timers& timers_;
  bool due_ = false;
  net::Timers::Queue::iterator entry_;
};

}  // namespace

Task<Result<net::StreamPtr>> TcpConnector::connect(const policy::Destination& destination) {
  return net::dial_tcp(loop_, write_ip(destination.address()), destination.port());
}

std::vector<IpAddress> in_turn(const std::vector<IpAddress>& addresses) {
  std::vector<IpAddress> families[2];
  for (const IpAddress& address : addresses) families[address.v6 ? 0 : 1].push_back(address);
  std::vector<IpAddress> out;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    for (const auto& family : families) {
      if (i < family.size() && out.size() < limits::kEgressAddressesMax) out.push_back(family[i]);
    }
  }
  return out;
}

Task<Result<net::StreamPtr>> dial_first(net::EventLoop& loop, Connector& connector, std::vector<policy::Destination> destinations,
                                        Nanoseconds time) {
  const auto attempts = std::make_shared<Attempts>();
  net::TaskGroup tasks(loop);
  const Wake end(loop.timers(), attempts, time);
  std::size_t started = 0;
  std::optional<Wake> next;
  while (!attempts->won && !end.due() && attempts->failed < destinations.size()) {
    const bool idle = attempts->failed == started;
    if (started < destinations.size() && (idle || (next && next->due()))) {
      tasks.spawn("egress.dial", attempt(connector, destinations[started], attempts));
      ++started;
      next.emplace(loop.timers(), attempts, limits::kEgressAttemptDelay);
    }
    co_await attempts->changed.wait();
  }
  co_await tasks.stop();
  if (attempts->won) co_return std::move(attempts->won);
  co_return fail(Code::EGRESS_DIAL, "", "a connection", attempts->reason);
}

}  // namespace cages::host
