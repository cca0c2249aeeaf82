// SPDX-License-Identifier: Apache-2.0
// The life-cycle port (vsock 7011): the host dials, sends requests, and gets one answer each: drain (finish and stop)
// or query. The host may stop an enclave at any time anyway; this lets it do so gently. For the runtime and the host.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/control.h"

namespace cages::wire {

inline constexpr std::uint64_t kLifecycleVersion = 1;

// Drain: no new work, finish what is in flight within `deadline_ms`, stop the app, end. The answer says state
// `draining`; a later query tells how far it is. A second drain can only shorten the deadline.
struct DrainRequest {
  std::uint64_t deadline_ms = 0;
  bool operator==(const DrainRequest&) const = default;
};

struct StateQuery {
  bool operator==(const StateQuery&) const = default;
};

// `stage` and `code`: the last entry of the journal. `in_flight`: requests being served.
struct StateAnswer {
  CageState state = CageState::booting;
  std::string stage;
  std::string code;
  std::uint64_t in_flight = 0;
  std::uint64_t uptime_ns = 0;
  bool operator==(const StateAnswer&) const = default;
};

using LifecycleRequest = std::variant<DrainRequest, StateQuery>;

// write: one frame, length included. parse: the bytes after the length, errors as in control.h.
Bytes write_lifecycle(const LifecycleRequest& request);
Bytes write_lifecycle(const StateAnswer& answer);
Result<LifecycleRequest> parse_lifecycle_request(ByteView payload);
Result<StateAnswer> parse_state_answer(ByteView payload);

}  // namespace cages::wire
