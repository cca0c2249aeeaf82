// SPDX-License-Identifier: Apache-2.0
// CagePowers: all that a cage may use of the machine and of the world, handed to it by main, or by a test that runs a
// whole boot in one process. lifetime: everything outlives the cage.
#pragma once

#include "attest/nsm_client.h"
#include "crypto/random.h"
#include "net/event_loop.h"
#include "net/stream.h"
#include "runtime/app/probe.h"
#include "runtime/app/spawner.h"
#include "runtime/boot/clock.h"
#include "runtime/boot/journal.h"
#include "runtime/cage/network.h"

namespace cages::runtime {

struct CagePowers {
  net::EventLoop& loop;
  net::PortDialer& host;     // the host's ports
  net::PortListener& ports;  // ours, which the host dials
  attest::Nsm& nsm;
  TrustedClock& clock;
  Journal& journal;
  crypto::Random& random;
  AppStarter& starter;
  AppDialer& app;
  Network* network = nullptr;  // none in an isolated cage
};

}  // namespace cages::runtime
