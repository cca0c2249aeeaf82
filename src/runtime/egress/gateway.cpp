// SPDX-License-Identifier: Apache-2.0
#include "runtime/egress/gateway.h"

#include "base/check.h"
#include "base/limits.h"
#include "net/deadline.h"
#include "net/frame.h"
#include "net/relay.h"
#include "wire/ports.h"

namespace cages::runtime::egress {
namespace {

// The host has kEgressDialTime; the rest is for the way there and back.
constexpr Nanoseconds kAnswerTime = limits::kEgressDialTime + std::chrono::seconds(2);

}  // namespace

Task<void> Gateway::serve(net::DivertedListener& listener) {
  net::TaskGroup streams(loop_);
  for (;;) {
    auto connection = co_await listener.accept();
    if (!connection) {
      if (connection.error().code == Code::CLOSED) break;
      continue;
    }
    auto slot = slots_.try_take();
    if (!slot) {
      tally_.overloaded();
      continue;  // which resets it
    }
    streams.spawn("egress", carry(std::move(*connection), std::move(*slot)));
  }
  co_await streams.stop();
}

// Destroying the connection before it has ended resets it: that is how the app hears of every refusal.
Task<void> Gateway::carry(net::Diverted connection, net::Slots::Slot slot) {
  const net::Slots::Slot held = std::move(slot);
  const auto use = names_.use(connection.address);
  if (!use && Names::contains(connection.address)) {
    // An address from before its name was dropped, or one that never was one.
    tally_.refused(write_ip(connection.address), connection.port, Error(Code::EGRESS_REFUSED));
    co_return;
  }
  const policy::Permit::Target target =
      use ? policy::Permit::Target(use->name()) : policy::Permit::Target(connection.address);
  const auto permit = list_.permit(target, connection.port);
  if (!permit) {
    tally_.refused(use ? use->name() : write_ip(connection.address), connection.port, permit.error());
    co_return;
  }
  tally_.allowed(*permit);
  co_await carry_to(*connection.stream, *permit);
}

Task<void> Gateway::carry_to(net::Stream& app, const policy::Permit& permit) {
  const auto outside = co_await open(permit);
  if (!outside) {
    tally_.broken(permit, outside.error());
    co_return;
  }
  if (*outside == nullptr) co_return;
  net::Relayed counts;
  [[maybe_unused]] const auto ended = co_await net::relay(loop_.timers(), app, **outside, limits::kEgressIdleTime, counts);
}

// Null where the host refused.
Task<Result<net::StreamPtr>> Gateway::open(const policy::Permit& permit) {
  CO_TRY_ASSIGN(net::StreamPtr stream, co_await host_.dial(wire::port::kEgress));
  const net::Deadline deadline(loop_.timers(), *stream, kAnswerTime);
  CO_TRY(co_await stream->write_all(wire::write_egress(wire::EgressOpen{permit.target(), permit.port(), digest_})));
  CO_TRY_ASSIGN(const Bytes payload, co_await net::read_frame(*stream));
  CO_TRY_ASSIGN(const wire::EgressAnswer answer, wire::parse_egress_answer(payload));
  if (!CAGES_CHECK("EGRESS host's answer", answer.code == wire::EgressCode::ok)) {
    tally_.host_refused(permit, answer.code, answer.text);
    co_return nullptr;
  }
  co_return stream;
}

}  // namespace cages::runtime::egress
