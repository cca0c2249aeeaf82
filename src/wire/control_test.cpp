// SPDX-License-Identifier: Apache-2.0
#include "wire/control.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "wire/lifecycle.h"

namespace cages::wire {
namespace {

// The bytes after the length, which must be right.
Bytes payload(const Bytes& frame) {
  EXPECT_GE(frame.size(), kFrameLengthBytes);
  const auto length = frame_length(std::span<const Byte, kFrameLengthBytes>(frame.data(), kFrameLengthBytes));
  EXPECT_TRUE(length.has_value());
  EXPECT_EQ(*length, frame.size() - kFrameLengthBytes);
  return Bytes(frame.begin() + kFrameLengthBytes, frame.end());
}

std::string up_error(const Bytes& bytes) {
  const auto result = parse_control_up(bytes);
  return result ? "none" : error_class(result.error());
}

std::vector<ControlUp> up_samples() {
  return {JournalEntry{"init.mounts", 12'000'000, "ok", ""},
          JournalEntry{"app.healthy", 1, "TIMEOUT", "port 8080 does not answer; the app listens on 8000"},
          HealthReport{CageState::failed, 7},
          LogLine{LogStream::app_err, 9, to_bytes("\x1b[31mred\xff"), 0},
          LogLine{LogStream::runtime, 9, {}, 3},
          MetricsSample{5, {{"app_rss_bytes", 4096}, {"drift_ms", -3}}},
          MetricsSample{5, {}},
          TokenRequest{1ULL << 63}};
}

TEST(Control, EveryMessageUpComesBackAsItWasSent) {
  for (const ControlUp& sample : up_samples()) {
    const auto parsed = parse_control_up(payload(write_control(sample)));
    ASSERT_TRUE(parsed.has_value()) << describe(parsed.error());
    EXPECT_EQ(*parsed, sample);
  }
}

TEST(Control, EveryMessageDownComesBackAsItWasSent) {
  for (const ControlDown& sample :
       {ControlDown(ClockHint{-1}), ControlDown(ClockHint{1'767'225'600'000}),
        ControlDown(TokenAnswer{3, std::string(480, 'x')}), ControlDown(TokenRefused{4, "TOKEN_RATE"})}) {
    const auto parsed = parse_control_down(payload(write_control(sample)));
    ASSERT_TRUE(parsed.has_value()) << describe(parsed.error());
    EXPECT_EQ(*parsed, sample);
  }
}

TEST(Control, ADirectionRefusesTheOthersMessages) {
  EXPECT_EQ(up_error(payload(write_control(ControlDown(ClockHint{1})))), "MESSAGE_TYPE");
  for (const ControlUp& sample : up_samples()) {
    const auto parsed = parse_control_down(payload(write_control(sample)));
    ASSERT_FALSE(parsed.has_value());
    EXPECT_EQ(error_class(parsed.error()), "MESSAGE_TYPE");
  }
}

TEST(Control, EachPrefixAndEachExtraByteIsRefused) {
  for (const ControlUp& sample : up_samples()) {
    Bytes bytes = payload(write_control(sample));
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      EXPECT_FALSE(parse_control_up(ByteView(bytes).first(length)).has_value());
    }
    bytes.push_back(0);
    EXPECT_EQ(up_error(bytes), "TRAILING_BYTES");
  }
}

TEST(Control, RefusesWhatIsNotItsForm) {
  const auto frame = [](std::uint64_t type, std::uint64_t version, std::uint64_t pairs) {
    return FrameWriter(type, version, pairs);
  };
  EXPECT_EQ(up_error(payload(frame(5, 2, 1).uint(1, 1).take())), "MESSAGE_VERSION");
  EXPECT_EQ(up_error(payload(frame(99, 1, 0).take())), "MESSAGE_TYPE");
  EXPECT_EQ(up_error(payload(frame(5, 1, 2).uint(1, 1).uint(2, 1).take())), "UNKNOWN_KEY");
  EXPECT_EQ(up_error(payload(frame(5, 1, 2).uint(0, 1).uint(1, 1).take())), "UNKNOWN_KEY");
  EXPECT_EQ(up_error(payload(frame(5, 1, 0).take())), "MISSING id");
  EXPECT_EQ(up_error(payload(frame(5, 1, 2).uint(1, 1).uint(1, 1).take())), "DUPLICATE_KEY");
  EXPECT_EQ(up_error(payload(frame(2, 1, 2).uint(2, 1).uint(1, 1).take())), "MISSING state");
  EXPECT_EQ(up_error(payload(frame(2, 1, 2).uint(1, 8).uint(2, 1).take())), "TYPE state");
  EXPECT_EQ(up_error(payload(frame(3, 1, 3).uint(1, 0).uint(2, 1).bytes(3, {}).take())), "TYPE stream");
  EXPECT_EQ(up_error(payload(frame(1, 1, 3).text(1, "a\nb").uint(2, 1).text(3, "ok").take())), "TYPE stage");
  EXPECT_EQ(up_error(payload(frame(1, 1, 3).text(1, std::string(65, 'a')).uint(2, 1).text(3, "ok").take())), "LIMIT");
  EXPECT_EQ(up_error(payload(frame(3, 1, 3).uint(1, 1).uint(2, 1).bytes(3, Bytes(4097)).take())), "LIMIT");
  CborWriter metrics;
  metrics.array(1).array(2).text("Bad name").integer(1);
  EXPECT_EQ(up_error(payload(frame(4, 1, 2).uint(1, 1).raw(2, metrics.view()).take())), "TYPE name");
  CborWriter many;
  many.array(65);
  for (int i = 0; i < 65; ++i) many.array(2).text("m").integer(1);
  EXPECT_EQ(up_error(payload(frame(4, 1, 2).uint(1, 1).raw(2, many.view()).take())), "LIMIT");
}

TEST(Control, TooLongTextsAreCutBetweenCodePoints) {
  JournalEntry entry{"app.healthy", 1, "TIMEOUT", {}};
  while (entry.detail.size() < limits::kJournalDetailBytesMax + 1) entry.detail += "\u20ac";
  const auto parsed = parse_control_up(payload(write_control(ControlUp(entry))));
  ASSERT_TRUE(parsed.has_value()) << describe(parsed.error());
  EXPECT_EQ(std::get<JournalEntry>(*parsed).detail.size(), limits::kJournalDetailBytesMax / 3 * 3);
  entry.detail = std::string(2000, '\xff');
  EXPECT_TRUE(parse_control_up(payload(write_control(ControlUp(entry)))).has_value());
  const auto line =
      parse_control_up(payload(write_control(ControlUp(LogLine{LogStream::app_out, 1, Bytes(9000, 'x'), 0}))));
  ASSERT_TRUE(line.has_value());
  EXPECT_EQ(std::get<LogLine>(*line).text.size(), limits::kLogLineBytesMax);
}

TEST(Frame, LengthIsJudgedBeforeAnythingElse) {
  const auto length = [](std::array<Byte, 4> prefix) { return frame_length(prefix); };
  EXPECT_FALSE(length({0, 0, 0, 0}).has_value());
  EXPECT_EQ(length({0, 1, 0, 0}).value(), 65536U);
  EXPECT_FALSE(length({0, 1, 0, 1}).has_value());
  EXPECT_FALSE(length({0xff, 0xff, 0xff, 0xff}).has_value());
}

TEST(Lifecycle, MessagesComeBackAsTheyWereSent) {
  for (const LifecycleRequest& sample : {LifecycleRequest(DrainRequest{30'000}), LifecycleRequest(StateQuery{})}) {
    const auto parsed = parse_lifecycle_request(payload(write_lifecycle(sample)));
    ASSERT_TRUE(parsed.has_value()) << describe(parsed.error());
    EXPECT_EQ(*parsed, sample);
  }
  const StateAnswer answer{CageState::draining, "ready", "ok", 3, 5};
  const auto parsed = parse_state_answer(payload(write_lifecycle(answer)));
  ASSERT_TRUE(parsed.has_value()) << describe(parsed.error());
  EXPECT_EQ(*parsed, answer);
  EXPECT_FALSE(parse_lifecycle_request(payload(write_lifecycle(answer))).has_value());
  EXPECT_FALSE(parse_state_answer(payload(write_lifecycle(LifecycleRequest(StateQuery{})))).has_value());
  EXPECT_FALSE(parse_lifecycle_request(payload(FrameWriter(33, 1, 1).uint(1, 1).take())).has_value());
}

}  // namespace
}  // namespace cages::wire
