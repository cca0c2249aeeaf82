// SPDX-License-Identifier: Apache-2.0
#include "runtime/boot/control.h"

#include <algorithm>

#include "base/limits.h"
#include "net/alarm.h"
#include "net/frame.h"
#include "wire/ports.h"

namespace cages::runtime {

Control::Control(net::EventLoop& loop, net::PortDialer& host, Journal& journal)
    : loop_(loop), host_(host), journal_(journal) {
  journal_.observe([this](const wire::JournalEntry& entry, bool kept) {
    if (!kept) queue(wire::write_control(wire::ControlUp(entry)));
    changed_.notify();
  });
}

Task<void> Control::run() {
  Nanoseconds wait(limits::kControlRetryMin);
  for (;;) {
    auto stream = co_await host_.dial(wire::port::kControl);
    if (stream) {
      wait = limits::kControlRetryMin;
      co_await talk(**stream);
    }
    co_await loop_.timers().sleep(wait);
    wait = std::min<Nanoseconds>(wait * 2, limits::kControlRetryMax);
  }
}

Task<void> Control::talk(net::Stream& stream) {
  journal_sent_ = 0;
  state_sent_ = false;
  ask_sent_ = false;
  bool open = true;
  struct Talking {
    net::Stream*& now;
    ~Talking() { now = nullptr; }
  };
  now_talking_ = &stream;
  const Talking talking{now_talking_};
  co_await net::together(write_side(stream, open), read_side(stream, open));
}

Task<void> Control::write_side(net::Stream& stream, bool& open) {
  while (open) {
    const auto frame = next_frame();
    if (!frame) {
      changed_.notify();  // for flush()
      co_await changed_.wait();
      continue;
    }
    if (const auto sent = co_await stream.write_all(*frame); !sent) break;
  }
  stream.close();
}

Task<void> Control::read_side(net::Stream& stream, bool& open) {
  for (;;) {
    const auto payload = co_await net::read_frame(stream);
    if (!payload) break;
    const auto message = wire::parse_control_down(*payload);
    if (!message) break;  // a host that speaks otherwise is not one to go on with
    hear(*message);
  }
  open = false;
  stream.close();
  changed_.notify();
}

// The journal first, then where the cage is, then what was asked, then the rest.
std::optional<Bytes> Control::next_frame() {
  if (journal_sent_ < journal_.entries().size()) {
    return wire::write_control(wire::ControlUp(journal_.entries()[journal_sent_++]));
  }
  if (!state_sent_) {
    state_sent_ = true;
    return wire::write_control(wire::ControlUp(wire::HealthReport{state_, now()}));
  }
  if (ask_ && !ask_->answer && !ask_sent_) {
    ask_sent_ = true;
    return wire::write_control(wire::ControlUp(wire::TokenRequest{ask_->id}));
  }
  if (queue_.empty()) return std::nullopt;
  Bytes frame = std::move(queue_.front());
  queue_.pop_front();
  queue_bytes_ -= frame.size();
  return frame;
}

void Control::hear(const wire::ControlDown& message) {
  if (const auto* hint = std::get_if<wire::ClockHint>(&message)) {
    const auto ours = loop_.clock().wall().time_since_epoch().count();
    // untrusted: any 64 bits; the difference of unsigned numbers wraps instead of overflowing.
    const auto difference = static_cast<std::uint64_t>(hint->unix_ms) - static_cast<std::uint64_t>(ours);
    drift_ = std::chrono::milliseconds(static_cast<std::int64_t>(difference));
    return;
  }
  // Late answers to an earlier question are nobody's.
  if (const auto* answer = std::get_if<wire::TokenAnswer>(&message);
      answer != nullptr && ask_ && ask_->id == answer->id) {
    ask_->answer.emplace(answer->token);
  }
  if (const auto* refused = std::get_if<wire::TokenRefused>(&message);
      refused != nullptr && ask_ && ask_->id == refused->id) {
    ask_->answer.emplace(fail(Code::TOKEN_REFUSED, "host", "a token", refused->code));
  }
  changed_.notify();
}

void Control::set_state(wire::CageState state) {
  if (state == state_) return;
  state_ = state;
  state_sent_ = false;
  changed_.notify();
}

void Control::queue(Bytes frame) {
  queue_bytes_ += frame.size();
  queue_.push_back(std::move(frame));
  changed_.notify();
}

void Control::log(wire::LogStream stream, ByteView line) {
  if (queue_bytes_ + line.size() > limits::kControlQueueBytesMax) {
    ++lines_dropped_;
    return;
  }
  queue(wire::write_control(wire::ControlUp(wire::LogLine{stream, now(), to_bytes(line), lines_dropped_})));
  lines_dropped_ = 0;
}

void Control::send_metrics(wire::MetricsSample sample) {
  if (queue_bytes_ > limits::kControlQueueBytesMax / 2) return;  // the next sample says as much
  queue(wire::write_control(wire::ControlUp(std::move(sample))));
}

Task<Result<std::string>> Control::token() {
  ask_.emplace(next_id_++, std::nullopt);
  ask_sent_ = false;
  const net::Alarm late(loop_.timers(), limits::kTokenTime, [this] { changed_.notify(); });
  changed_.notify();
  while (!ask_->answer && !late.rang()) co_await changed_.wait();
  // A stream that brings no answer may be stuck in the middle of something; another one begins anew.
  if (!ask_->answer && now_talking_ != nullptr) now_talking_->close();
  Result<std::string> result =
      ask_->answer ? std::move(*ask_->answer) : fail(Code::TIMEOUT, "host", "a token", "no answer");
  ask_.reset();
  co_return result;
}

Task<void> Control::flush(Nanoseconds time) {
  const net::Alarm late(loop_.timers(), time, [this] { changed_.notify(); });
  const auto sent_all = [&] { return journal_sent_ == journal_.entries().size() && state_sent_ && queue_.empty(); };
  while (!sent_all() && !late.rang()) co_await changed_.wait();
}

}  // namespace cages::runtime
