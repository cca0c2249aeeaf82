// SPDX-License-Identifier: Apache-2.0
// The life-cycle port (wire/lifecycle.h): the host asks how the cage is, or asks it to drain. A few connections at a
// time.
#pragma once

#include <functional>

#include "net/event_loop.h"
#include "net/stream.h"
#include "wire/lifecycle.h"

namespace cages::runtime {

struct LifecycleActs {
  std::function<wire::StateAnswer()> state;
  std::function<void(Nanoseconds deadline)> drain;
};

// serve_lifecycle answers until the listener closes, then ends its connections. Close the listener and await it: not to
// be cancelled. lifetime: `acts` and `loop` outlive it.
Task<void> serve_lifecycle(net::EventLoop& loop, net::Listener& listener, const LifecycleActs& acts);

}  // namespace cages::runtime
