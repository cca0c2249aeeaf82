// SPDX-License-Identifier: Apache-2.0
// Faults of a hostile carrier, by message: what can be done to the bytes of one message, to which, and how often; all
// of it from a seed. Tap does it to a stream. For the boot's chaos test.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <random>
#include <string_view>
#include <utility>

#include "net/event_loop.h"
#include "net/stream.h"

namespace cages::chaos {

enum class Fault : std::uint8_t {
  close,       // the stream instead of the message
  lose,        // this message, and go on
  stall,       // nothing passes any more, and nothing ends
  delay,       // up to kDelayMax
  split,       // into the smallest pieces
  reorder,     // behind the next message; none follows: lost
  flip,        // one bit
  garbage,     // other bytes in its place
  oversize,    // a message longer than any may be
  wrong_type,  // a good message of another kind
  truncate,    // the first half, then the end
  duplicate,   // twice
  lie,         // well formed, and untrue
  count_,
};

enum class Message : std::uint8_t {
  heartbeat,
  heartbeat_answer,
  journal_entry,
  health_report,
  log_line,
  metrics,
  token_request,
  token_answer,
  token_refused,
  clock_hint,
  client_hello,
  server_flight,
  client_finished,
  client_records,
  server_records,
  hello,
  grant,
  refused,
  nsm_random,
  nsm_describe,
  nsm_attest_provision,
  nsm_attest_leaf,
  state_query,
  drain,
  state_answer,
  app_started,
  app_exited,
  app_output,
  app_health,
  count_,
};

inline constexpr std::size_t kFaults = static_cast<std::size_t>(Fault::count_);
inline constexpr std::size_t kMessages = static_cast<std::size_t>(Message::count_);
inline constexpr Nanoseconds kDelayMax{std::chrono::seconds(4)};

std::string_view name_of(Fault fault);
std::string_view name_of(Message message);

// possible: a lie takes somebody who may lie; what the cage itself says is only carried badly.
bool possible(Fault fault, Message message);

// One seed's plan. Each possible pair comes up in turn; the rest of the seed decides everything else.
struct Plan {
  Fault fault{};
  Message message{};
  bool always = false;  // each such message, not only the first
  std::uint64_t seed = 0;
};
Plan plan_of(std::uint64_t seed);
std::size_t pair_count();
std::pair<Fault, Message> pair_of(std::uint64_t seed);

// How often each fault was done to each message.
using Tally = std::array<std::array<std::uint64_t, kMessages>, kFaults>;

// What happens in one boot.
class Chaos {
 public:
  Chaos(Plan plan, Tally& tally) : plan_(plan), tally_(tally), random_(plan.seed) {}
  [[nodiscard]] const Plan& plan() const { return plan_; }
  [[nodiscard]] bool about(Message message) const { return plan_.message == message; }
  // strikes: whether this message is hit, and by what; counts it.
  bool strikes(Message message);
  [[nodiscard]] std::uint64_t struck() const { return struck_; }
  std::size_t pick(std::size_t most) { return std::uniform_int_distribution<std::size_t>(0, most)(random_); }
  Nanoseconds pick_time(Nanoseconds most) {
    return Nanoseconds(static_cast<std::int64_t>(pick(static_cast<std::size_t>(most.count()))));
  }
  // mangle: the bytes that take the message's place under flip, garbage, oversize, wrong_type and lie; the same else.
  Bytes mangle(Message message, ByteView bytes);

 private:
  Plan plan_;
  Tally& tally_;
  std::mt19937_64 random_;
  std::uint64_t struck_ = 0;
};

// Which message some written bytes are: `count` is how many writes came before on this stream.
using Classify = std::function<Message(ByteView bytes, std::size_t count)>;

// A stream whose writer's messages meet the plan's fault, each write one message.
net::StreamPtr tap(net::EventLoop& loop, Chaos& chaos, net::StreamPtr inner, Classify classify);
inline Classify always(Message message) {
  return [message](ByteView, std::size_t) { return message; };
}

}  // namespace cages::chaos
