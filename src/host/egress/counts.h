// SPDX-License-Identifier: Apache-2.0
// EgressCounts: what the host's half of one cage's egress did, by entry of its list and by reason; and Verdicts, which
// compares them with what the enclave says it allowed. For host/egress and what shows it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "policy/allow_list.h"
#include "wire/egress.h"

namespace cages::host {

inline constexpr std::size_t kEgressCodes = static_cast<std::size_t>(wire::EgressCode::list) + 1;

struct EgressEntryCounts {
  std::uint64_t allowed = 0;  // connected
  std::uint64_t refused = 0;  // permitted by the list, but not reached: address, name, dial, overload
};

struct EgressCounts {
  std::vector<EgressEntryCounts> entries;               // as many as the list has
  std::array<std::uint64_t, kEgressCodes> by_code{};  // answers to opens, by wire::EgressCode
  std::uint64_t opens = 0;                              // streams whose open was read
  std::uint64_t permitted = 0;                          // of them, those that the list allows
  std::uint64_t malformed = 0;                          // streams that began with something else
  std::uint64_t name_queries = 0;
  std::uint64_t name_queries_refused = 0;
  std::uint64_t forward_bytes = 0;                      // to destinations, of streams that ended
  std::uint64_t backward_bytes = 0;
  std::uint64_t alarms = 0;
};

// Verdicts: the enclave judges first, so whatever reaches the host was allowed there; the host counts what its own list
// permits. Where the enclave counts less than that, something other than its egress dialled the host.
class Verdicts {
 public:
  // compare takes the enclave's count of allowed streams and the host's of permitted ones, at each of its samples; false where
  // they contradict each other. A sample is older than its arrival: it is held against the host's count as that was when the
  // sample before arrived.
  bool compare(std::int64_t enclave_allowed, std::uint64_t host_permitted);

 private:
  std::optional<std::uint64_t> before_;
};

// egress_lines writes them as Prometheus text, cage_host_egress_*.
std::string egress_lines(const EgressCounts& counts, const policy::AllowList& list, std::size_t streams, std::string_view cage,
                         std::string_view deployment);

}  // namespace cages::host
