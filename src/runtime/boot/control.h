// SPDX-License-Identifier: Apache-2.0
// Control: the runtime's end of the control stream (wire/control.h). Dials the host, again and again where it is cut,
// and sends the journal from its beginning each time, so that a host that comes late knows as much. What the host does
// not read costs a bounded queue: log lines are dropped and counted, the journal and the state never.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "net/event.h"
#include "net/event_loop.h"
#include "net/stream.h"
#include "runtime/boot/journal.h"
#include "wire/control.h"

namespace cages::runtime {

class Control {
 public:
  // lifetime: loop and host outlive this; the journal tells it of every entry for as long as it is written to.
  Control(net::EventLoop& loop, net::PortDialer& host, Journal& journal);

  // run keeps the stream up; ends only by being cancelled.
  Task<void> run();
  void set_state(wire::CageState state);
  [[nodiscard]] wire::CageState state() const { return state_; }
  void log(wire::LogStream stream, ByteView line);
  void send_metrics(wire::MetricsSample sample);
  // token asks the host's broker for one. TOKEN_REFUSED with the broker's code, TIMEOUT after kTokenTime. One at a
  // time.
  Task<Result<std::string>> token();
  // flush waits until the host was sent all there is, at most `time`.
  Task<void> flush(Nanoseconds time);
  // The host's clock less ours when it last said its time; nothing is set by it (design §9).
  [[nodiscard]] std::optional<std::chrono::milliseconds> drift() const { return drift_; }

 private:
  struct Ask {
    std::uint64_t id;
    std::optional<Result<std::string>> answer;
  };
  Task<void> talk(net::Stream& stream);
  Task<void> write_side(net::Stream& stream, bool& open);
  Task<void> read_side(net::Stream& stream, bool& open);
  std::optional<Bytes> next_frame();
  void hear(const wire::ControlDown& message);
  void queue(Bytes frame);
  [[nodiscard]] std::uint64_t now() const { return static_cast<std::uint64_t>(loop_.clock().monotonic().count()); }

  net::EventLoop& loop_;
  net::PortDialer& host_;
  Journal& journal_;
  net::Event changed_;
  wire::CageState state_ = wire::CageState::booting;
  std::optional<std::chrono::milliseconds> drift_;
  // What this connection still has to send.
  std::size_t journal_sent_ = 0;
  bool state_sent_ = false;
  bool ask_sent_ = false;
  net::Stream* now_talking_ = nullptr;
  std::optional<Ask> ask_;
  std::uint64_t next_id_ = 1;
  // Log lines and metrics, across connections.
  std::deque<Bytes> queue_;
  std::size_t queue_bytes_ = 0;
  std::uint64_t lines_dropped_ = 0;
};

}  // namespace cages::runtime
