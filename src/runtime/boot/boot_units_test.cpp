// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/limits.h"
#include "net/frame.h"
#include "net/memory.h"
#include "runtime/boot/clock.h"
#include "runtime/boot/control.h"
#include "runtime/boot/heartbeat.h"
#include "runtime/boot/journal.h"
#include "runtime/boot/lifecycle.h"
#include "wire/ports.h"

namespace cages::runtime {
namespace {

using namespace std::chrono_literals;

TEST(TrustedClock, GoesForwardAtOnceAndNeverBack) {
  ManualClock machine(from_unix_seconds(1'000'000));
  TrustedClock clock(machine);
  EXPECT_EQ(unix_seconds(clock.wall()), 1'000'000);
  clock.set_from_nsm(from_unix_seconds(1'000'600));
  EXPECT_EQ(unix_seconds(clock.wall()), 1'000'600);
  machine.advance(100s);
  EXPECT_EQ(unix_seconds(clock.wall()), 1'000'700);
  // The NSM says 60 s less: a tenth of each second is taken back until it agrees.
  clock.set_from_nsm(from_unix_seconds(1'000'640));
  WallTime last = clock.wall();
  EXPECT_EQ(unix_seconds(last), 1'000'700);
  for (int i = 0; i < 700; ++i) {
    machine.advance(1s);
    EXPECT_GE(clock.wall(), last);
    last = clock.wall();
  }
  EXPECT_EQ(unix_seconds(last), 1'000'640 + 700);
}

class BootUnits : public ::testing::Test {
 protected:
  ManualClock clock_;
  net::EventLoop loop_{clock_};
  net::MemoryPorts host_;
  Journal journal_{clock_};
};

TEST_F(BootUnits, HeartbeatWantsItsOwnByteBack) {
  const auto beat = [&](std::optional<Byte> answer) {
    auto listener = host_.listen(wire::port::kHeartbeat).value();
    const auto result = loop_.run([&]() -> Task<Result<void>> {
      loop_.spawn("host", [](net::Listener& at, std::optional<Byte> byte) -> Task<void> {
        auto accepted = co_await at.accept();
        std::array<Byte, 1> got{};
        if (!accepted || !co_await net::read_exact(*accepted->stream, got)) co_return;
        EXPECT_EQ(got[0], 0xb7);
        if (byte) [[maybe_unused]]
          const auto sent = co_await accepted->stream->write_all(ByteView(&*byte, 1));
        std::array<Byte, 1> end{};
        [[maybe_unused]] const auto ended = co_await accepted->stream->read_some(end);
      }(*listener, answer));
      co_return co_await heartbeat(loop_.timers(), host_);
    }());
    return result->has_value() ? std::string("ok") : error_class(result->error()) + " " + result->error().got;
  };
  EXPECT_EQ(beat(Byte{0xb7}), "ok");
  EXPECT_EQ(beat(Byte{0xb6}), "HEARTBEAT b6");
  EXPECT_EQ(beat(std::nullopt), "HEARTBEAT TIMEOUT");
}

// One message from the cage; a type the test can look at.
Task<wire::ControlUp> hear(net::Stream& stream) {
  const auto payload = co_await net::read_frame(stream);
  EXPECT_TRUE(payload.has_value());
  auto message = wire::parse_control_up(*payload);
  EXPECT_TRUE(message.has_value());
  co_return *message;
}

TEST_F(BootUnits, AHostThatComesLateOrAgainIsToldEverything) {
  Control control(loop_, host_, journal_);
  journal_.done(stage::kMounts);
  loop_.run([&]() -> Task<void> {
    loop_.spawn("control", control.run());
    co_await loop_.timers().sleep(1s);
    auto listener = host_.listen(wire::port::kControl).value();
    for (int connection = 0; connection < 2; ++connection) {
      auto accepted = co_await listener->accept();
      EXPECT_EQ(std::get<wire::JournalEntry>(co_await hear(*accepted->stream)).stage, "init.mounts");
      if (connection == 0) {
        EXPECT_EQ(std::get<wire::HealthReport>(co_await hear(*accepted->stream)).state, wire::CageState::booting);
        control.set_state(wire::CageState::ready);
      }
      EXPECT_EQ(std::get<wire::HealthReport>(co_await hear(*accepted->stream)).state, wire::CageState::ready);
      accepted->stream->close();
    }
  }());
}

TEST_F(BootUnits, TokensAreAnsweredRefusedOrLate) {
  Control control(loop_, host_, journal_);
  auto listener = host_.listen(wire::port::kControl).value();
  loop_.run([&]() -> Task<void> {
    loop_.spawn("control", control.run());
    loop_.spawn("host", [](net::Listener& at) -> Task<void> {
      auto accepted = co_await at.accept();
      for (;;) {
        const auto payload = co_await net::read_frame(*accepted->stream);
        if (!payload) co_return;
        const auto message = wire::parse_control_up(*payload);
        const auto* request = message ? std::get_if<wire::TokenRequest>(&*message) : nullptr;
        if (request == nullptr) continue;
        std::vector<wire::ControlDown> answers;
        if (request->id == 1) answers = {wire::TokenAnswer{99, "another's"}, wire::TokenAnswer{1, "token"}};
        if (request->id == 2) answers = {wire::TokenRefused{2, "TOKEN_RATE"}};
        for (const auto& answer : answers) {
          [[maybe_unused]] const auto sent = co_await accepted->stream->write_all(wire::write_control(answer));
        }
      }
    }(*listener));
    EXPECT_EQ((co_await control.token()).value(), "token");
    const auto refused = co_await control.token();
    EXPECT_EQ(error_class(refused.error()) + " " + refused.error().got, "TOKEN_REFUSED TOKEN_RATE");
    const auto late = co_await control.token();
    EXPECT_EQ(error_class(late.error()), "TIMEOUT");
  }());
}

TEST_F(BootUnits, LogLinesAreDroppedAndCountedWhereTheHostDoesNotRead) {
  Control control(loop_, host_, journal_);
  const Bytes line(4096, 'x');
  for (int i = 0; i < 1000; ++i) control.log(wire::LogStream::app_out, line);
  auto listener = host_.listen(wire::port::kControl).value();
  loop_.run([&]() -> Task<void> {
    loop_.spawn("control", control.run());
    auto accepted = co_await listener->accept();
    std::size_t lines = 0;
    EXPECT_TRUE(std::holds_alternative<wire::HealthReport>(co_await hear(*accepted->stream)));
    while (lines < limits::kControlQueueBytesMax / (4096 + 40)) {
      EXPECT_EQ(std::get<wire::LogLine>(co_await hear(*accepted->stream)).dropped, 0U);
      ++lines;
    }
    control.log(wire::LogStream::app_out, as_bytes("last"));
    for (;;) {
      const auto got = std::get<wire::LogLine>(co_await hear(*accepted->stream));
      ++lines;
      if (got.dropped == 0) continue;
      EXPECT_EQ(got.dropped + lines - 1, 1000U);
      break;
    }
  }());
}

TEST_F(BootUnits, LifecycleAnswersAndPassesOnADrain) {
  std::optional<Nanoseconds> drained;
  const LifecycleActs acts{[] { return wire::StateAnswer{wire::CageState::ready, "ready", "ok", 2, 5}; },
                           [&](Nanoseconds deadline) { drained = deadline; }};
  auto listener = host_.listen(wire::port::kLifecycle).value();
  loop_.run([&]() -> Task<void> {
    loop_.spawn("life cycle", serve_lifecycle(loop_, *listener, acts));
    auto stream = (co_await host_.dial(wire::port::kLifecycle)).value();
    for (const wire::LifecycleRequest& request :
         {wire::LifecycleRequest(wire::StateQuery{}), wire::LifecycleRequest(wire::DrainRequest{~0ULL})}) {
      [[maybe_unused]] const auto sent = co_await stream->write_all(wire::write_lifecycle(request));
      const auto answer = wire::parse_state_answer((co_await net::read_frame(*stream)).value());
      EXPECT_EQ(answer->in_flight, 2U);
    }
    EXPECT_EQ(drained, Nanoseconds(limits::kDrainTimeMax));
    // What is no request ends that connection, and no other.
    auto other = (co_await host_.dial(wire::port::kLifecycle)).value();
    [[maybe_unused]] const auto sent = co_await other->write_all(as_bytes("GET / HTTP/1.1\r\n\r\n"));
    std::array<Byte, 1> byte{};
    const auto end = co_await other->read_some(byte);
    EXPECT_TRUE(!end || *end == 0);
    [[maybe_unused]] const auto again = co_await stream->write_all(wire::write_lifecycle(wire::StateQuery{}));
    EXPECT_TRUE((co_await net::read_frame(*stream)).has_value());
  }());
}

TEST(Journal, KeepsTheBootWhateverComesLater) {
  ManualClock clock;
  Journal journal(clock);
  std::size_t unkept = 0;
  journal.observe([&](const wire::JournalEntry&, bool kept) { unkept += kept ? 0 : 1; });
  journal.failed(stage::kMounts, Error(Code::CMDLINE, "added word", "none", "init=/x"));
  for (int i = 0; i < 300; ++i) journal.done(stage::kAppStart);
  EXPECT_EQ(journal.entries().size(), limits::kJournalEntriesMax);
  EXPECT_EQ(unkept, 301 - limits::kJournalEntriesMax);
  EXPECT_EQ(journal.entries()[0].code, "CMDLINE");
  EXPECT_NE(journal.entries()[0].detail.find("init=/x"), std::string::npos);
}

}  // namespace
}  // namespace cages::runtime
