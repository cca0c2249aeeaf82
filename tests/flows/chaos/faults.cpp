// SPDX-License-Identifier: Apache-2.0
#include "flows/chaos/faults.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "wire/control.h"
#include "wire/lifecycle.h"
#include "wire/nsm.h"
#include "wire/provision.h"

namespace cages::chaos {
namespace {

constexpr std::array<std::string_view, kFaults> kFaultNames{
    "close",   "lose",     "stall",      "delay",    "split",     "reorder", "flip",
    "garbage", "oversize", "wrong_type", "truncate", "duplicate", "lie"};
constexpr std::array<std::string_view, kMessages> kMessageNames{
    "heartbeat",       "heartbeat_answer", "journal_entry",        "health_report",   "log_line",     "metrics",
    "token_request",   "token_answer",     "token_refused",        "clock_hint",      "client_hello", "server_flight",
    "client_finished", "client_records",   "server_records",       "hello",           "grant",        "refused",
    "nsm_random",      "nsm_describe",     "nsm_attest_provision", "nsm_attest_leaf", "state_query",  "drain",
    "state_answer",    "app_started",      "app_exited",           "app_output",      "app_health"};

const std::vector<std::pair<Fault, Message>>& pairs() {
  static const auto kAll = [] {
    std::vector<std::pair<Fault, Message>> all;
    for (std::size_t f = 0; f < kFaults; ++f) {
      for (std::size_t m = 0; m < kMessages; ++m) {
        if (possible(static_cast<Fault>(f), static_cast<Message>(m))) {
          all.emplace_back(static_cast<Fault>(f), static_cast<Message>(m));
        }
      }
    }
    return all;
  }();
  return kAll;
}

Bytes oversized(ByteView bytes) {
  // A frame's length above what any frame has, and enough bytes that something waits for them all.
  Bytes out{0x00, 0x01, 0x00, 0x01};
  append(out, bytes);
  out.resize(limits::kFrameBytesMax + 64, 0x5a);
  return out;
}

// untrue: what a hostile host, platform, NSM or app would rather have the cage believe.
std::optional<Bytes> lie_for(Message message) {
  switch (message) {
    case Message::heartbeat_answer: return Bytes{0xb6};
    case Message::token_answer: {
      // What an app's own document would say.
      const std::string challenge("cage-app/1\0the host's challenge", 31);
      return wire::write_control(wire::ControlDown(wire::TokenAnswer{1, challenge}));
    }
    case Message::token_refused: return wire::write_control(wire::ControlDown(wire::TokenRefused{1, "\x1b[2Jready"}));
    case Message::clock_hint:
      return wire::write_control(wire::ControlDown(wire::ClockHint{std::numeric_limits<std::int64_t>::min()}));
    case Message::refused: return wire::write_provision(wire::ProvisionAnswer(wire::ProvisionRefused{"INTERNAL"}));
    case Message::drain: return wire::write_lifecycle(wire::LifecycleRequest(wire::DrainRequest{~0ULL}));
    case Message::state_query: return wire::write_lifecycle(wire::LifecycleRequest(wire::DrainRequest{1}));
    case Message::nsm_random: return wire::write_nsm_response(wire::NsmRandom{Secret::copy_of(Bytes(256, 0))});
    case Message::nsm_describe: {
      wire::NsmDescription description;
      description.module_id = std::string(300, '\x1b');
      return wire::write_nsm_response(description);
    }
    case Message::app_health: return to_bytes("HTTP/1.1 503 Service Unavailable\r\n\r\n");
    case Message::app_output: return Bytes(200'000, '\x1b');
    default: return std::nullopt;
  }
}

}  // namespace

std::string_view name_of(Fault fault) { return kFaultNames.at(static_cast<std::size_t>(fault)); }
std::string_view name_of(Message message) { return kMessageNames.at(static_cast<std::size_t>(message)); }

bool possible(Fault fault, Message message) {
  if (fault != Fault::lie) return true;
  switch (message) {
    // Made where the liar stands (world.cpp), for they take keys.
    case Message::server_flight:
    case Message::grant:
    case Message::nsm_attest_provision:
    case Message::nsm_attest_leaf:
    case Message::app_started:
    case Message::app_exited: return true;
    default: return lie_for(message).has_value();
  }
}

std::size_t pair_count() { return pairs().size(); }
std::pair<Fault, Message> pair_of(std::uint64_t seed) { return pairs()[seed % pairs().size()]; }

Plan plan_of(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto [fault, message] = pair_of(seed);
  return {fault, message, std::bernoulli_distribution(0.25)(random), random()};
}

bool Chaos::strikes(Message message) {
  if (plan_.message != message || (struck_ != 0 && !plan_.always)) return false;
  ++struck_;
  ++tally_.at(static_cast<std::size_t>(plan_.fault)).at(static_cast<std::size_t>(message));
  return true;
}

Bytes Chaos::mangle(Message message, ByteView bytes) {
  Bytes out = to_bytes(bytes);
  switch (plan_.fault) {
    case Fault::flip: out[pick(out.size() - 1)] ^= static_cast<Byte>(1U << pick(7)); break;
    case Fault::garbage:
      for (Byte& byte : out) byte = static_cast<Byte>(pick(255));
      out[0] = static_cast<Byte>(bytes[0] ^ (1 + pick(254)));
      break;
    case Fault::oversize: return oversized(bytes);
    case Fault::wrong_type:
      return wire::write_lifecycle(wire::StateAnswer{wire::CageState::ready, "ready", "ok", 0, 0});
    case Fault::lie: return lie_for(message).value_or(out);
    default: break;
  }
  return out;
}

namespace {

class Tap final : public net::Stream {
 public:
  Tap(net::EventLoop& loop, Chaos& chaos, net::StreamPtr inner, Classify classify)
      : loop_(loop), chaos_(chaos), inner_(std::move(inner)), classify_(std::move(classify)) {}

  Task<Result<std::size_t>> read_some(std::span<Byte> into) override { co_return co_await inner_->read_some(into); }
  Task<Result<void>> shutdown_write() override {
    if (mute_) co_return Result<void>{};
    CO_TRY(co_await release());
    co_return co_await inner_->shutdown_write();
  }
  void close(Code reason) override { inner_->close(reason); }

  Task<Result<void>> write_all(ByteView bytes) override {
    const Message message = classify_(bytes, count_++);
    if (mute_) co_return Result<void>{};
    if (bytes.empty() || !chaos_.strikes(message)) {
      CO_TRY(co_await inner_->write_all(bytes));
      co_return co_await release();
    }
    co_return co_await strike(message, to_bytes(bytes));
  }

 private:
  Task<Result<void>> strike(Message message, Bytes bytes) {
    const ByteView whole(bytes);
    switch (chaos_.plan().fault) {
      case Fault::close: inner_->close(); co_return fail(Code::CLOSED);
      case Fault::lose: co_return Result<void>{};
      case Fault::stall: mute_ = true; co_return Result<void>{};
      case Fault::delay:
        co_await loop_.timers().sleep(chaos_.pick_time(kDelayMax));
        co_return co_await inner_->write_all(bytes);
      case Fault::split: co_return co_await in_pieces(bytes);
      case Fault::reorder:
        if (held_.empty()) {
          held_ = std::move(bytes);
          co_return Result<void>{};
        }
        CO_TRY(co_await inner_->write_all(bytes));
        co_return co_await release();
      case Fault::truncate:
        mute_ = true;
        CO_TRY(co_await inner_->write_all(whole.first(whole.size() / 2)));
        co_return co_await inner_->shutdown_write();
      case Fault::duplicate: CO_TRY(co_await inner_->write_all(bytes)); co_return co_await inner_->write_all(bytes);
      default: co_return co_await inner_->write_all(chaos_.mangle(message, bytes));
    }
  }
  Task<Result<void>> in_pieces(ByteView bytes) {
    const std::size_t most = bytes.size() / 64 + 1;
    while (!bytes.empty()) {
      const std::size_t n = std::min(bytes.size(), 1 + chaos_.pick(most - 1));
      CO_TRY(co_await inner_->write_all(bytes.first(n)));
      bytes = bytes.subspan(n);
      co_await net::yield();
    }
    co_return Result<void>{};
  }
  // What was held goes out behind the message after it.
  Task<Result<void>> release() {
    if (held_.empty()) co_return Result<void>{};
    const Bytes late = std::exchange(held_, {});
    co_return co_await inner_->write_all(late);
  }

  net::EventLoop& loop_;
  Chaos& chaos_;
  net::StreamPtr inner_;
  Classify classify_;
  std::size_t count_ = 0;
  bool mute_ = false;
  Bytes held_;
};

}  // namespace

net::StreamPtr tap(net::EventLoop& loop, Chaos& chaos, net::StreamPtr inner, Classify classify) {
  return std::make_unique<Tap>(loop, chaos, std::move(inner), std::move(classify));
}

}  // namespace cages::chaos
