// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "base/limits.h"
#include "flows/chaos/world.h"
#include "net/deadline.h"
#include "net/frame.h"
#include "wire/control.h"
#include "wire/lifecycle.h"
#include "wire/ports.h"

namespace cages::chaos {

using namespace std::chrono_literals;

namespace {

// What a cage says on its control stream, one frame a write.
Message control_message(ByteView frame, std::size_t) {
  constexpr std::size_t kLengthBytes = 4;
  const auto message = wire::parse_control_up(frame.subspan(std::min(kLengthBytes, frame.size())));
  if (!message) return Message::count_;
  constexpr std::array kByIndex{Message::journal_entry, Message::health_report, Message::log_line, Message::metrics,
                                Message::token_request};
  return kByIndex.at(message->index());
}

// TLS flights by their place: hello, then what ends the handshake, then records.
Message client_flight(ByteView, std::size_t count) {
  if (count == 0) return Message::client_hello;
  return count == 1 ? Message::client_finished : Message::client_records;
}

Message server_flight(ByteView, std::size_t count) {
  return count == 0 ? Message::server_flight : Message::server_records;
}

class TappedListener final : public net::Listener {
 public:
  using Wrap = std::function<net::StreamPtr(net::StreamPtr)>;
  TappedListener(net::ListenerPtr inner, Wrap wrap) : inner_(std::move(inner)), wrap_(std::move(wrap)) {}
  Task<Result<net::Accepted>> accept() override {
    CO_TRY_ASSIGN(net::Accepted accepted, co_await inner_->accept());
    accepted.stream = wrap_(std::move(accepted.stream));
    co_return accepted;
  }
  void close() override { inner_->close(); }

 private:
  net::ListenerPtr inner_;
  Wrap wrap_;
};

}  // namespace

net::StreamPtr ChaosHost::with_faults(net::StreamPtr stream, Classify classify) {
  return tap(loop_, chaos_, std::move(stream), std::move(classify));
}

Task<Result<net::StreamPtr>> ChaosHost::dial(std::uint32_t port) {
  CO_TRY_ASSIGN(net::StreamPtr stream, co_await of_host_.dial(port));
  switch (port) {
    case wire::port::kHeartbeat: co_return with_faults(std::move(stream), always(Message::heartbeat));
    case wire::port::kControl: co_return with_faults(std::move(stream), control_message);
    case wire::port::kProvisioner: co_return with_faults(std::move(stream), client_flight);
    default: co_return std::move(stream);
  }
}

Result<net::ListenerPtr> ChaosHost::listen(std::uint32_t port) {
  TRY_ASSIGN(net::ListenerPtr listener, of_cage_.listen(port));
  if (port != wire::port::kLifecycle) return listener;
  return std::make_unique<TappedListener>(std::move(listener), [this](net::StreamPtr stream) {
    return with_faults(std::move(stream), always(Message::state_answer));
  });
}

void ChaosHost::serve() {
  const auto start = [this](std::uint32_t port, Task<void> (ChaosHost::*handler)(net::StreamPtr)) {
    loop_.spawn("host", accept(of_host_.listen(port).value(),
                               [this, handler](net::StreamPtr stream) { return (this->*handler)(std::move(stream)); }));
  };
  start(wire::port::kHeartbeat, &ChaosHost::heartbeat);
  start(wire::port::kControl, &ChaosHost::control);
  start(wire::port::kProvisioner, &ChaosHost::provision);
}

Task<void> ChaosHost::accept(net::ListenerPtr listener, std::function<Task<void>(net::StreamPtr)> handler) {
  for (;;) {
    auto accepted = co_await listener->accept();
    if (!accepted) co_return;
    loop_.spawn("host stream", handler(std::move(accepted->stream)));
  }
}

Task<void> ChaosHost::heartbeat(net::StreamPtr stream) {
  stream = with_faults(std::move(stream), always(Message::heartbeat_answer));
  std::array<Byte, 1> beat{};
  if (!co_await net::read_exact(*stream, beat) || beat[0] != 0xb7) co_return;
  std::ignore = co_await stream->write_all(beat);
  std::ignore = co_await stream->read_some(beat);
}

Task<void> ChaosHost::control(net::StreamPtr stream) {
  stream = with_faults(std::move(stream), [](ByteView frame, std::size_t) {
    constexpr std::size_t kLengthBytes = 4;
    constexpr std::array kByIndex{Message::clock_hint, Message::token_answer, Message::token_refused};
    return kByIndex.at(wire::parse_control_down(frame.subspan(kLengthBytes)).value().index());
  });
  const auto say = [&](wire::ControlDown message) -> Task<Result<void>> {
    const Bytes frame = wire::write_control(message);
    co_return co_await stream->write_all(frame);
  };
  const wire::ClockHint now{unix_seconds(world_.clock().wall()) * 1000};
  if (!co_await say(now)) co_return;
  bool refuse = chaos_.about(Message::token_refused);
  for (;;) {
    const auto payload = co_await net::read_frame(*stream);
    if (!payload) co_return;
    const auto message = wire::parse_control_up(*payload);
    if (!message) co_return;
    const auto* request = std::get_if<wire::TokenRequest>(&*message);
    if (request == nullptr) continue;
    wire::ControlDown answer = wire::TokenAnswer{request->id, world_.token(chaos_.about(Message::refused))};
    if (refuse) answer = wire::TokenRefused{request->id, "TOKEN_RATE"};
    refuse = refuse && chaos_.plan().always;
    if (!co_await say(answer) || !co_await say(now)) co_return;
  }
}

// As server::Provisioner::serve, with a hand on what it reads and writes inside TLS.
Task<void> ChaosHost::provision(net::StreamPtr stream) {
  const bool lies = chaos_.plan().fault == Fault::lie;
  const bool pretends = lies && chaos_.about(Message::server_flight) && chaos_.strikes(Message::server_flight);
  const tls::Server& server = pretends ? *world_.impostor : *world_.provisioner;
  // A lie is told below by another certificate, and not by the tap.
  if (!(lies && chaos_.about(Message::server_flight))) stream = with_faults(std::move(stream), server_flight);
  auto accepted = co_await server.accept(loop_.timers(), std::move(stream));
  if (!accepted) co_return;
  tls::TlsStream& session = **accepted;
  const net::Deadline deadline(loop_.timers(), session, limits::kProvisionExchangeTime);
  auto payload = co_await net::read_frame(session);
  if (!payload) co_return;
  // What the cage said inside TLS passes through a pipe of its own, where the fault is.
  auto [from, to] = net::memory_pair(limits::kFrameBytesMax * 4);
  to = with_faults(std::move(to), always(Message::hello));
  Bytes frame = wire::write_provision(wire::parse_provision_hello(*payload).value());
  if (!co_await to->write_all(frame)) co_return;
  std::ignore = co_await to->shutdown_write();
  const net::Deadline late(loop_.timers(), *from, limits::kProvisionExchangeTime);
  payload = co_await net::read_frame(*from);
  if (!payload) co_return;
  auto hello = wire::parse_provision_hello(*payload);
  auto exporter = session.exporter(wire::kProvisionExporterLabel, {}, wire::kProvisionExporterBytes);
  if (!hello || !exporter) co_return;
  test::TestPlatform& platform = *world_.platform.platform;
  const server::Presented presented{std::move(hello->document), std::move(hello->csr), std::move(*exporter)};
  const wire::ProvisionAnswer answer = platform.provisioner->answer(presented, platform.carrier());
  const bool granted = std::holds_alternative<wire::ProvisionGrant>(answer);
  frame = wire::write_provision(answer);
  if (granted && lies && chaos_.strikes(Message::grant)) frame = world_.grant_of_another;
  const auto out = tap(loop_, chaos_, std::move(*accepted), always(granted ? Message::grant : Message::refused));
  std::ignore = co_await out->write_all(frame);
  std::ignore = co_await out->shutdown_write();
  // Until the cage has read it.
  std::array<Byte, 1> end{};
  std::ignore = co_await out->read_some(end);
}

Task<Result<void>> ChaosHost::ask(Message message, Bytes request) {
  CO_TRY_ASSIGN(net::StreamPtr stream, co_await of_cage_.dial(wire::port::kLifecycle));
  stream = with_faults(std::move(stream), always(message));
  const net::Deadline deadline(loop_.timers(), *stream, 5s);
  CO_TRY(co_await stream->write_all(request));
  CO_TRY_ASSIGN(const Bytes answer, co_await net::read_frame(*stream));
  CO_TRY(wire::parse_state_answer(answer));
  co_return Result<void>{};
}

Task<void> ChaosHost::operate(net::Event& ready, const bool& is_ready, Nanoseconds hold, std::function<void()> stop) {
  while (!is_ready) co_await ready.wait();
  co_await loop_.timers().sleep(hold);
  std::ignore = co_await ask(Message::state_query, wire::write_lifecycle(wire::LifecycleRequest(wire::StateQuery{})));
  // A host that is not heard says it again, and in the end has the process told.
  constexpr unsigned kTries = 3;
  for (unsigned i = 0; i < kTries; ++i) {
    std::ignore = co_await ask(Message::drain, wire::write_lifecycle(wire::LifecycleRequest(wire::DrainRequest{1000})));
    co_await loop_.timers().sleep(5s);
  }
  stop();
}

}  // namespace cages::chaos
