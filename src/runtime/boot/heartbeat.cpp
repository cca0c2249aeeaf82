// SPDX-License-Identifier: Apache-2.0
#include "runtime/boot/heartbeat.h"

#include <array>

#include "base/limits.h"
#include "net/deadline.h"
#include "wire/ports.h"

namespace cages::runtime {

Task<Result<void>> heartbeat(net::Timers& timers, net::PortDialer& host) {
  constexpr Byte kBeat = 0xb7;
  const auto refuse = [](std::string got) { return fail(Code::HEARTBEAT, "", "0xb7", std::move(got)); };
  auto stream = co_await host.dial(wire::port::kHeartbeat);
  if (!stream) co_return refuse(error_class(stream.error()));
  const net::Deadline deadline(timers, **stream, limits::kHeartbeatTime);
  std::array<Byte, 1> beat{kBeat};
  if (const auto sent = co_await (*stream)->write_all(beat); !sent) co_return refuse(error_class(sent.error()));
  const auto got = co_await net::read_exact(**stream, beat);
  if (!got) co_return refuse(error_class(got.error()));
  if (beat[0] != kBeat) co_return refuse(hex(beat));
  co_return Result<void>{};
}

}  // namespace cages::runtime
