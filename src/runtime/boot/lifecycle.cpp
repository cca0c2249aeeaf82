// SPDX-License-Identifier: Apache-2.0
#include "runtime/boot/lifecycle.h"

#include <algorithm>

#include "base/limits.h"
#include "net/deadline.h"
#include "net/event.h"
#include "net/frame.h"

namespace cages::runtime {
namespace {

Task<void> answer(net::EventLoop& loop, net::StreamPtr stream, const LifecycleActs& acts, net::Slots::Slot) {
  net::Deadline idle(loop.timers(), *stream, limits::kLifecycleIdleTime);
  for (;;) {
    const auto payload = co_await net::read_frame(*stream);
    if (!payload) co_return;
    const auto request = wire::parse_lifecycle_request(*payload);
    if (!request) co_return;
    if (const auto* drain = std::get_if<wire::DrainRequest>(&*request)) {
      const auto most = static_cast<std::uint64_t>(limits::kDrainTimeMax.count());
      acts.drain(std::chrono::milliseconds(std::min(drain->deadline_ms, most)));
    }
    const auto sent = co_await stream->write_all(wire::write_lifecycle(acts.state()));
    if (!sent) co_return;
    idle.set(limits::kLifecycleIdleTime);
  }
}

}  // namespace

Task<void> serve_lifecycle(net::EventLoop& loop, net::Listener& listener, const LifecycleActs& acts) {
  net::Slots slots(limits::kLifecycleConnectionsMax);
  net::TaskGroup tasks(loop);
  for (;;) {
    auto accepted = co_await listener.accept();
    if (!accepted) break;
    auto slot = slots.try_take();
    if (!slot) continue;  // closed by going out of scope: the host has enough of them
    tasks.spawn("life cycle", answer(loop, std::move(accepted->stream), acts, std::move(*slot)));
  }
  co_await tasks.stop();
}

}  // namespace cages::runtime
