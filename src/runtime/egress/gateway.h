// SPDX-License-Identifier: Apache-2.0
// Gateway: the app's connections to the outside. Each that the kernel caught is looked at by name and port, and what the
// list permits goes to the host in one stream of its own that begins with where it is to go; then bytes, both ways.
// Everything else is reset. docs/flows/egress.md.
#pragma once

#include "net/descriptor.h"
#include "net/event.h"
#include "net/event_loop.h"
#include "policy/allow_list.h"
#include "runtime/egress/names.h"
#include "runtime/egress/tally.h"
#include "wire/egress.h"

namespace cages::runtime::egress {

class Gateway {
 public:
  // lifetime: everything outlives this, and this outlives its tasks: cancel serve() first.
  Gateway(net::EventLoop& loop, net::PortDialer& host, const policy::AllowList& list, wire::ListDigest digest,
          Names& names, Tally& tally)
      : loop_(loop), host_(host), list_(list), digest_(digest), names_(names), tally_(tally),
        slots_(limits::kEgressStreamsMax) {}
  // serve takes connections until the listener is closed. May run for several listeners at a time. Above
  // kEgressStreamsMax a new one is reset at once.
  Task<void> serve(net::DivertedListener& listener);
  [[nodiscard]] std::size_t streams() const { return slots_.taken(); }

 private:
  Task<void> carry(net::Diverted connection, net::Slots::Slot slot);
  Task<void> carry_to(net::Stream& app, const policy::Permit& permit);
  Task<Result<net::StreamPtr>> open(const policy::Permit& permit);

  net::EventLoop& loop_;
  net::PortDialer& host_;
  const policy::AllowList& list_;
  wire::ListDigest digest_;
  Names& names_;
  Tally& tally_;
  net::Slots slots_;
};

}  // namespace cages::runtime::egress
