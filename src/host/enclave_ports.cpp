// SPDX-License-Identifier: Apache-2.0
#include "host/enclave_ports.h"

#include "base/limits.h"
#include "base/log.h"
#include "net/deadline.h"
#include "net/frame.h"
#include "net/relay.h"
#include "wire/ports.h"

namespace cages::host {
namespace {

constexpr Byte kHeartbeat = 0xb7;

}  // namespace

std::vector<std::uint32_t> enclave_ports(bool egress) {
  std::vector<std::uint32_t> ports{wire::port::kHeartbeat, wire::port::kControl, wire::port::kProvisioner};
  if (egress) ports.insert(ports.end(), {wire::port::kEgress, wire::port::kDns});
  return ports;
}

EnclavePorts::EnclavePorts(net::EventLoop& loop, Record& record, Broker& broker, Egress* egress, std::string name,
                           std::function<void()> changed)
    : loop_(loop), record_(record), broker_(broker), egress_(egress), name_(std::move(name)), changed_(std::move(changed)),
      tokens_(limits::kHostTokensPerMinute, std::chrono::minutes(1)), tasks_(loop) {}

void EnclavePorts::serve(std::uint32_t port, net::ListenerPtr listener) {
  switch (port) {
    case wire::port::kHeartbeat:
      tasks_.spawn("port.heartbeat",
                   accept_all(std::move(listener), &EnclavePorts::heartbeat, limits::kHostHeartbeatStreamsMax));
      return;
    case wire::port::kControl:
      tasks_.spawn("port.control", accept_all(std::move(listener), &EnclavePorts::control, limits::kHostControlStreamsMax));
      return;
    case wire::port::kProvisioner:
      tasks_.spawn("port.provisioner",
                   accept_all(std::move(listener), &EnclavePorts::provisioner, limits::kHostProvisionerStreamsMax));
      return;
    case wire::port::kEgress:
      if (egress_ != nullptr) tasks_.spawn("port.egress", egress_->serve_streams(std::move(listener)));
      return;
    case wire::port::kDns:
      if (egress_ != nullptr) tasks_.spawn("port.dns", egress_->serve_names(std::move(listener)));
      return;
    default: return;
  }
}

Task<void> EnclavePorts::stop() {
  co_await tasks_.stop();
  if (egress_ != nullptr) co_await egress_->stop();
}

// A flood of streams costs the enclave its own waiting, nobody else anything.
Task<void> EnclavePorts::accept_all(net::ListenerPtr listener, Serve serve, std::size_t streams_max) {
  const auto slots = std::make_shared<net::Slots>(streams_max);
  for (;;) {
    auto slot = co_await slots->take();
    auto accepted = co_await listener->accept();
    if (!accepted) co_return;
    tasks_.spawn("port.stream", one(std::move(accepted->stream), std::move(slot), serve, slots));
    co_await loop_.timers().sleep(limits::kHostAcceptPause);
  }
}

Task<void> EnclavePorts::one(net::StreamPtr stream, net::Slots::Slot slot, Serve serve, std::shared_ptr<net::Slots> slots) {
  // lifetime: declared in this order, so that the slot goes back before the slots go.
  const std::shared_ptr<net::Slots> owner = std::move(slots);
  const net::Slots::Slot held = std::move(slot);
  const auto done = co_await (this->*serve)(*stream);
  stream->close();
  if (done || done.error().code == Code::CLOSED) co_return;
  ++record_.counts.streams_refused;
  log::error("enclave.stream", done.error(), {{"enclave", name_}});
}

Task<Result<void>> EnclavePorts::heartbeat(net::Stream& stream) {
  const net::Deadline deadline(loop_.timers(), stream, limits::kHostHeartbeatTime);
  Byte byte = 0;
  CO_TRY(co_await net::read_exact(stream, {&byte, 1}));
  if (byte != kHeartbeat) co_return fail(Code::MESSAGE_TYPE, "heartbeat", "b7", hex({&byte, 1}));
  co_return co_await stream.write_all({&byte, 1});
}

Task<Result<void>> EnclavePorts::control(net::Stream& stream) {
  net::Slots writing(1);
  Result<void> outcome;
  // lifetime: the closure lives until what it is awaited in has ended.
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines)
  const auto listen = [&]() -> Task<void> { outcome = co_await listen_to(stream, writing); };
  co_await net::either(listen(), hint_time(stream, writing));
  co_return outcome;
}

Task<void> EnclavePorts::hint_time(net::Stream& stream, net::Slots& writing) {
  for (;;) {
    const wire::ClockHint hint{loop_.clock().wall().time_since_epoch().count()};
    if (!co_await send(stream, writing, hint)) co_return;
    co_await loop_.timers().sleep(limits::kHostClockHintTime);
  }
}

Task<Result<void>> EnclavePorts::send(net::Stream& stream, net::Slots& writing, wire::ControlDown message) {
  const auto turn = co_await writing.take();
  const net::Deadline deadline(loop_.timers(), stream, limits::kHostWriteTime);
  co_return co_await stream.write_all(wire::write_control(message));
}

Task<Result<void>> EnclavePorts::listen_to(net::Stream& stream, net::Slots& writing) {
  for (;;) {
    CO_TRY_ASSIGN(const Bytes payload, co_await net::read_frame(stream));
    CO_TRY_ASSIGN(const wire::ControlUp message, wire::parse_control_up(payload));
    ++record_.counts.messages;
    if (const auto* request = std::get_if<wire::TokenRequest>(&message)) {
      CO_TRY(co_await answer_token(stream, writing, *request));
    } else if (const auto* line = std::get_if<wire::LogLine>(&message)) {
      take(*line);
    } else if (const auto* entry = std::get_if<wire::JournalEntry>(&message)) {
      record_.take(*entry);
      changed_();
    } else if (const auto* report = std::get_if<wire::HealthReport>(&message)) {
      record_.take(*report);
      changed_();
    } else if (const auto* sample = std::get_if<wire::MetricsSample>(&message)) {
      take(*sample);
    }
    // One enclave's flood must not keep the loop from the others.
    if (record_.counts.messages % 64 == 0) co_await net::yield();
  }
}

void EnclavePorts::take(const wire::LogLine& line) {
  if (record_.take(line, loop_.timers().now())) log::info("cage.log", {{"enclave", name_}, {"text", std::string(as_text(line.text))}});
}

void EnclavePorts::take(const wire::MetricsSample& sample) {
  record_.take(sample);
  if (egress_ == nullptr) return;
  for (const auto& metric : sample.metrics) {
    if (metric.name == wire::kEgressAllowedMetric) egress_->compare(metric.value);
  }
}

Task<Result<void>> EnclavePorts::answer_token(net::Stream& stream, net::Slots& writing, wire::TokenRequest request) {
  if (!tokens_.admit(loop_.timers().now())) {
    co_return co_await send(stream, writing, wire::TokenRefused{request.id, std::string(code_info(Code::LIMIT).name)});
  }
  auto token = co_await broker_.token();
  if (token) co_return co_await send(stream, writing, wire::TokenAnswer{request.id, std::move(*token)});
  log::error("enclave.token", token.error(), {{"enclave", name_}});
  co_return co_await send(stream, writing, wire::TokenRefused{request.id, std::string(code_info(token.error().code).name)});
}

// The enclave's own TLS passes through; nothing of it is looked at.
Task<Result<void>> EnclavePorts::provisioner(net::Stream& stream) {
  CO_TRY_ASSIGN(const net::StreamPtr platform, co_await broker_.open_provisioner());
  net::Relayed counts;
  co_return co_await net::relay(loop_.timers(), stream, *platform, limits::kHostProvisionerIdleTime, counts);
}

}  // namespace cages::host
