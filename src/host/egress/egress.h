// SPDX-License-Identifier: Apache-2.0
// Egress: the host's half of one cage's way out. It believes nothing that the enclave says: it holds its own copy of the
// allow-list from the deployment's record, resolves names itself, judges the address that came, connects, relays.
// docs/flows/egress.md. For cage-host; a cage whose list is empty has none.
#pragma once

#include <memory>
#include <string>

#include "base/limits.h"
#include "base/token_bucket.h"
#include "host/egress/counts.h"
#include "host/egress/dial.h"
#include "host/egress/names.h"
#include "net/event.h"
#include "net/event_loop.h"
#include "net/stream.h"
#include "wire/name_query.h"

namespace cages::host {

// What all cages of a host share. lifetime: outlives every Egress.
struct EgressMeans {
  net::NameSource& names;
  Connector& connector;
  const policy::DestinationPolicy& destinations;
  double dials_per_second = limits::kEgressDialsPerSecond;  // of one cage
  double dials_burst = limits::kEgressDialsBurst;
};

class Egress {
 public:
  // `name` is for the log. lifetime: loop and means outlive it; await stop() first.
  Egress(net::EventLoop& loop, EgressMeans means, policy::AllowList list, std::string name);

  // serve_streams answers on port 7004, serve_names on 7005, until `listener` is closed.
  Task<void> serve_streams(net::ListenerPtr listener);
  Task<void> serve_names(net::ListenerPtr listener);
  Task<void> stop();
  // compare holds the enclave's own count against the host's; a contradiction is an alarm.
  void compare(std::int64_t enclave_allowed);

  [[nodiscard]] const policy::AllowList& list() const { return list_; }
  [[nodiscard]] const wire::ListDigest& digest() const { return digest_; }
  [[nodiscard]] const EgressCounts& counts() const { return counts_; }
  [[nodiscard]] std::size_t streams() const { return streams_.taken(); }

 private:
  Task<void> stream(net::StreamPtr enclave, net::Slots::Slot slot);
  Task<void> refuse(net::StreamPtr enclave, net::Slots::Slot slot);
  Task<Result<void>> carry(net::Stream& enclave);
  Task<Result<wire::EgressOpen>> read_open(net::Stream& enclave);
  Task<Result<net::StreamPtr>> reach(const wire::EgressOpen& open);
  Task<Result<std::vector<policy::Destination>>> resolve(const policy::Permit& permit, Nanoseconds until);
  Result<policy::Permit> permit(const wire::EgressOpen& open);
  Task<Result<void>> answer(net::Stream& enclave, const Result<net::StreamPtr>& reached);

  Task<void> name_stream(net::StreamPtr enclave, net::Slots::Slot slot);
  Task<Result<void>> take_queries(net::Stream& enclave, net::Slots& writing, net::TaskGroup& asking);
  Task<void> query(net::Stream& enclave, net::Slots& writing, wire::NameQuery query, net::Slots::Slot slot);
  Task<Result<Bytes>> ask(const wire::NameQuery& query);
  void alarm(std::string_view what, const Error& why);

  net::EventLoop& loop_;
  EgressMeans means_;
  policy::AllowList list_;
  wire::ListDigest digest_;
  std::string name_;
  EgressCounts counts_;
  Verdicts verdicts_;
  TokenBucket dials_;
  TokenBucket queries_;
  Names names_;
  std::optional<Nanoseconds> alarmed_;
  net::Slots streams_{limits::kEgressStreamsMax};
  net::Slots refusing_;
  net::Slots name_streams_;
  net::Slots asking_{limits::kDnsQueriesMax};
  net::TaskGroup tasks_;
};

}  // namespace cages::host
