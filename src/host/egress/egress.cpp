// SPDX-License-Identifier: Apache-2.0
#include "host/egress/egress.h"

#include "base/check.h"
#include "base/log.h"
#include "crypto/list_digest.h"
#include "net/deadline.h"
#include "net/frame.h"
#include "net/relay.h"

namespace cages::host {
namespace {

constexpr std::size_t kRefusingMax = 64;     // streams beyond the cap that are told so at a time; the rest are closed
constexpr std::size_t kNameStreamsMax = 4;   // one carries many questions
constexpr std::chrono::seconds kOpenTime{5};  // for an enclave that dialled to say where to
constexpr std::chrono::seconds kRefuseTime{1};
constexpr std::chrono::minutes kAlarmEvery{1};

std::string describe_short(const Error& error) {
  return error.got.empty() ? std::string(code_info(error.code).sentence) : error.got;
}

// The text of an answer goes to the enclave's log: what its owner needs to know, nothing of this host's.
wire::EgressAnswer answer_of(const Error& error) {
  wire::EgressAnswer answer{wire::egress_code(error.code), {}};
  if (error.code == Code::EGRESS_ADDRESS) answer.text = error.subject + " is " + error.got;
  if (error.code == Code::EGRESS_DIAL || error.code == Code::EGRESS_RESOLVE) answer.text = printable(error.got, 100);
  return answer;
}

}  // namespace

Egress::Egress(net::EventLoop& loop, EgressMeans means, policy::AllowList list, std::string name)
    : loop_(loop), means_(means), list_(std::move(list)), digest_(crypto::list_digest(list_.canonical())), name_(std::move(name)),
      dials_(means.dials_per_second, means.dials_burst, loop.timers().now()),
      queries_(means.dials_per_second, means.dials_burst, loop.timers().now()), names_(loop, means.names),
      refusing_(kRefusingMax), name_streams_(kNameStreamsMax), tasks_(loop) {
  counts_.entries.resize(list_.size());
}

Task<void> Egress::stop() {
  co_await tasks_.stop();
  co_await names_.stop();
}

Task<void> Egress::serve_streams(net::ListenerPtr listener) {
  for (;;) {
    auto accepted = co_await listener->accept();
    if (!accepted) co_return;
    if (auto slot = streams_.try_take()) {
      tasks_.spawn("egress.stream", stream(std::move(accepted->stream), std::move(*slot)));
    } else if (auto turn = refusing_.try_take()) {
      tasks_.spawn("egress.refuse", refuse(std::move(accepted->stream), std::move(*turn)));
    } else {
      ++counts_.by_code[static_cast<std::size_t>(wire::EgressCode::overload)];
    }
    // One enclave's flood must not keep the loop from the others.
    co_await net::yield();
  }
}

Task<void> Egress::stream(net::StreamPtr enclave, net::Slots::Slot slot) {
  const net::Slots::Slot held = std::move(slot);
  const auto done = co_await carry(*enclave);
  enclave->close();
  if (!done && done.error().kind() == Kind::internal) log::error("egress.stream", done.error(), {{"enclave", name_}});
}

// Beyond the cap: reads the open, so that the answer is not lost in a reset, and says so.
Task<void> Egress::refuse(net::StreamPtr enclave, net::Slots::Slot slot) {
  const net::Slots::Slot held = std::move(slot);
  const net::Deadline deadline(loop_.timers(), *enclave, kRefuseTime);
  if (!co_await net::read_frame(*enclave)) co_return;
  std::ignore = co_await answer(*enclave, fail(Code::EGRESS_OVERLOAD, "streams", std::to_string(limits::kEgressStreamsMax), "more"));
}

// One connection of the app, from where it says it goes to its last byte.
Task<Result<void>> Egress::carry(net::Stream& enclave) {
  CO_TRY_ASSIGN(const wire::EgressOpen open, co_await read_open(enclave));
  auto reached = co_await reach(open);
  CO_TRY(co_await answer(enclave, reached));
  if (!reached) co_return co_await enclave.shutdown_write();
  net::Relayed bytes;
  const auto done = co_await net::relay(loop_.timers(), enclave, **reached, limits::kEgressIdleTime, bytes);
  counts_.forward_bytes += bytes.forward_bytes;
  counts_.backward_bytes += bytes.backward_bytes;
  co_return done;
}

// untrusted: whatever an enclave begins a stream with.
Task<Result<wire::EgressOpen>> Egress::read_open(net::Stream& enclave) {
  const net::Deadline deadline(loop_.timers(), enclave, kOpenTime);
  auto payload = co_await net::read_frame(enclave);
  auto open = payload ? wire::parse_egress_open(*payload) : Result<wire::EgressOpen>(fail(payload.error()));
  if (open) {
    ++counts_.opens;
  } else {
    ++counts_.malformed;
  }
  co_return open;
}

Result<policy::Permit> Egress::permit(const wire::EgressOpen& open) {
  if (!CAGES_CHECK("EGRESS_LIST", open.list == digest_)) {
    Error error(Code::EGRESS_LIST, "", hex(digest_), hex(open.list));
    alarm("list", error);
    return fail(std::move(error));
  }
  auto permit = list_.permit(open.target, open.port);
  // The enclave holds the same list and judged first.
  if (!permit) alarm("destination", permit.error());
  return permit;
}

Task<Result<net::StreamPtr>> Egress::reach(const wire::EgressOpen& open) {
  const Nanoseconds until = loop_.timers().now() + limits::kEgressDialTime;
  CO_TRY_ASSIGN(const policy::Permit permit, this->permit(open));
  ++counts_.permitted;
  EgressEntryCounts& entry = counts_.entries[permit.entry()];
  // Until it is known better; a cancelled wait counts as refused.
  ++entry.refused;
  if (!dials_.take(loop_.timers().now())) {
    co_return fail(Code::EGRESS_OVERLOAD, "connections a second", std::to_string(static_cast<int>(means_.dials_per_second)), "more");
  }
  CO_TRY_ASSIGN(std::vector<policy::Destination> destinations, co_await resolve(permit, until));
  auto stream = co_await dial_first(loop_, means_.connector, std::move(destinations), until - loop_.timers().now());
  if (stream) {
    --entry.refused;
    ++entry.allowed;
  }
  co_return stream;
}

// Those of the permit's addresses that may be dialled. Where some may not, the rest are still tried: a name with a public
// and a private address is not made unreachable by the latter.
Task<Result<std::vector<policy::Destination>>> Egress::resolve(const policy::Permit& permit, Nanoseconds until) {
  std::vector<IpAddress> addresses;
  if (const auto* literal = std::get_if<IpAddress>(&permit.target())) {
    addresses.push_back(*literal);
  } else {
    auto found = co_await names_.addresses(std::get<std::string>(permit.target()), until - loop_.timers().now());
    if (!found) co_return fail(Code::EGRESS_RESOLVE, found.error().subject, "an address", describe_short(found.error()));
    addresses = std::move(*found);
  }
  std::vector<policy::Destination> destinations;
  std::optional<Error> refused;
  for (const IpAddress& address : in_turn(addresses)) {
    auto admitted = means_.destinations.admit(permit, address);
    if (admitted) {
      destinations.push_back(*admitted);
    } else {
      refused = std::move(admitted).error();
    }
  }
  if (!destinations.empty()) co_return destinations;
  if (refused) log::error("egress.address", *refused, {{"enclave", name_}, {"entry", list_.entry_text(permit.entry())}});
  co_return fail(refused ? std::move(*refused) : Error(Code::EGRESS_RESOLVE, "", "an address", "none"));
}

Task<Result<void>> Egress::answer(net::Stream& enclave, const Result<net::StreamPtr>& reached) {
  wire::EgressAnswer answer;
  if (!reached) answer = answer_of(reached.error());
  ++counts_.by_code[static_cast<std::size_t>(answer.code)];
  const net::Deadline deadline(loop_.timers(), enclave, limits::kHostWriteTime);
  co_return co_await enclave.write_all(wire::write_egress(answer));
}

void Egress::compare(std::int64_t enclave_allowed) {
  if (verdicts_.compare(enclave_allowed, counts_.permitted)) return;
  alarm("counts", Error(Code::EGRESS_REFUSED, "verdicts", "at least what the host permitted: " + std::to_string(counts_.permitted),
                        std::to_string(enclave_allowed)));
}

void Egress::alarm(std::string_view what, const Error& why) {
  ++counts_.alarms;
  const Nanoseconds now = loop_.timers().now();
  if (alarmed_ && now - *alarmed_ < kAlarmEvery) return;
  alarmed_ = now;
  log::error("egress.alarm", why, {{"enclave", name_}, {"differs", std::string(what)}, {"alarms", std::to_string(counts_.alarms)}});
}

}  // namespace cages::host
