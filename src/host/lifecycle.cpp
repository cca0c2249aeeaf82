// SPDX-License-Identifier: Apache-2.0
#include "host/lifecycle.h"

#include "base/limits.h"
#include "net/deadline.h"
#include "net/frame.h"
#include "wire/lifecycle.h"
#include "wire/ports.h"

namespace cages::host {
namespace {

constexpr std::chrono::milliseconds kLook{200};

Task<Result<wire::StateAnswer>> ask(net::Stream& stream, wire::LifecycleRequest request) {
  CO_TRY(co_await stream.write_all(wire::write_lifecycle(request)));
  CO_TRY_ASSIGN(const Bytes payload, co_await net::read_frame(stream));
  co_return wire::parse_state_answer(payload);
}

}  // namespace

Task<Result<void>> drain_enclave(net::EventLoop& loop, drivers::Enclave& enclave, Nanoseconds time) {
  CO_TRY_ASSIGN(const net::StreamPtr stream, co_await enclave.connect(wire::port::kLifecycle));
  const net::Deadline deadline(loop.timers(), *stream, time);
  const auto milliseconds = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
  CO_TRY_ASSIGN(wire::StateAnswer answer, co_await ask(*stream, wire::DrainRequest{milliseconds}));
  while (answer.state != wire::CageState::stopped && answer.state != wire::CageState::failed) {
    co_await loop.timers().sleep(kLook);
    auto next = co_await ask(*stream, wire::StateQuery{});
    if (!next && next.error().code == Code::CLOSED) co_return Result<void>{};
    if (!next) co_return fail(std::move(next).error());
    answer = std::move(*next);
  }
  co_return Result<void>{};
}

}  // namespace cages::host
