// SPDX-License-Identifier: Apache-2.0
#include "wire/control.h"

#include <algorithm>

#include "base/limits.h"
#include "base/text.h"

namespace cages::wire {
namespace {

enum Type : std::uint64_t {
  kJournal = 1,
  kHealth = 2,
  kLog = 3,
  kMetrics = 4,
  kTokenRequest = 5,
  kClockHint = 16,
  kTokenAnswer = 17,
  kTokenRefused = 18,
};

// Stage names and codes: what our own tables spell, so that no log or label can be forged with them.
bool plain_word(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == ' ' || c == '-';
  });
}

bool metric_name(std::string_view text) {
  return !text.empty() && text[0] >= 'a' && text[0] <= 'z' &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

Result<std::string> read_word(FieldReader& fields, std::uint64_t key, std::string_view name, std::size_t bytes_max) {
  TRY_ASSIGN(const std::string_view text, fields.text(key, name, bytes_max));
  if (!plain_word(text)) return fail(Code::TYPE, std::string(name), "a word", printable(text));
  return std::string(text);
}

// Cut at a code point's edge; bytes that are not UTF-8 are escaped first, so that the reader's check holds.
std::string cut(std::string_view text, std::size_t bytes_max) {
  std::string result = valid_utf8(text) ? std::string(text) : printable(text, bytes_max);
  if (result.size() <= bytes_max) return result;
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(result[end]) & 0xc0) == 0x80) --end;
  result.resize(end);
  return result;
}

Bytes write(const JournalEntry& entry) {
  FrameWriter writer(kJournal, kControlVersion, entry.detail.empty() ? 3 : 4);
  writer.text(1, cut(entry.stage, limits::kControlWordBytesMax))
      .uint(2, entry.monotonic_ns)
      .text(3, cut(entry.code, limits::kControlWordBytesMax));
  if (!entry.detail.empty()) writer.text(4, cut(entry.detail, limits::kJournalDetailBytesMax));
  return writer.take();
}

Bytes write(const HealthReport& report) {
  return FrameWriter(kHealth, kControlVersion, 2)
      .uint(1, static_cast<std::uint64_t>(report.state))
      .uint(2, report.monotonic_ns)
      .take();
}

Bytes write(const LogLine& line) {
  FrameWriter writer(kLog, kControlVersion, line.dropped == 0 ? 3 : 4);
  writer.uint(1, static_cast<std::uint64_t>(line.stream))
      .uint(2, line.monotonic_ns)
      .bytes(3, ByteView(line.text).first(std::min(line.text.size(), limits::kLogLineBytesMax)));
  if (line.dropped != 0) writer.uint(4, line.dropped);
  return writer.take();
}

Bytes write(const MetricsSample& sample) {
  const std::size_t count = std::min(sample.metrics.size(), limits::kMetricsPerSampleMax);
  CborWriter list;
  list.array(count);
  for (const Metric& metric : std::span(sample.metrics).first(count)) {
    list.array(2).text(cut(metric.name, limits::kControlWordBytesMax)).integer(metric.value);
  }
  return FrameWriter(kMetrics, kControlVersion, 2).uint(1, sample.monotonic_ns).raw(2, list.view()).take();
}

Bytes write(const TokenRequest& request) {
  return FrameWriter(kTokenRequest, kControlVersion, 1).uint(1, request.id).take();
}

Bytes write(const ClockHint& hint) {
  return FrameWriter(kClockHint, kControlVersion, 1).integer(1, hint.unix_ms).take();
}

Bytes write(const TokenAnswer& answer) {
  return FrameWriter(kTokenAnswer, kControlVersion, 2)
      .uint(1, answer.id)
      .text(2, cut(answer.token, limits::kTokenBytesMax))
      .take();
}

Bytes write(const TokenRefused& refused) {
  return FrameWriter(kTokenRefused, kControlVersion, 2)
      .uint(1, refused.id)
      .text(2, cut(refused.code, limits::kControlWordBytesMax))
      .take();
}

Result<JournalEntry> parse_journal(FieldReader& fields) {
  JournalEntry entry;
  TRY_ASSIGN(entry.stage, read_word(fields, 1, "stage", limits::kControlWordBytesMax));
  TRY_ASSIGN(entry.monotonic_ns, fields.uint(2, "monotonic_ns"));
  TRY_ASSIGN(entry.code, read_word(fields, 3, "code", limits::kControlWordBytesMax));
  if (fields.has(4)) {
    TRY_ASSIGN(const std::string_view detail, fields.text(4, "detail", limits::kJournalDetailBytesMax));
    // One message, one form: an empty detail is left out.
    if (detail.empty()) return fail(Code::TYPE, "detail", "text", "empty");
    entry.detail = detail;
  }
  return entry;
}

Result<HealthReport> parse_health(FieldReader& fields) {
  HealthReport report;
  TRY_ASSIGN(const std::uint64_t state, fields.uint(1, "state"));
  if (state > static_cast<std::uint64_t>(CageState::failed))
    return fail(Code::TYPE, "state", "a known state", std::to_string(state));
  report.state = static_cast<CageState>(state);
  TRY_ASSIGN(report.monotonic_ns, fields.uint(2, "monotonic_ns"));
  return report;
}

Result<LogLine> parse_log(FieldReader& fields) {
  LogLine line;
  TRY_ASSIGN(const std::uint64_t stream, fields.uint(1, "stream"));
  if (stream < 1 || stream > 3) return fail(Code::TYPE, "stream", "1 to 3", std::to_string(stream));
  line.stream = static_cast<LogStream>(stream);
  TRY_ASSIGN(line.monotonic_ns, fields.uint(2, "monotonic_ns"));
  TRY_ASSIGN(const ByteView text, fields.bytes(3, "text", limits::kLogLineBytesMax));
  line.text = to_bytes(text);
  if (fields.has(4)) {
    TRY_ASSIGN(line.dropped, fields.uint(4, "dropped"));
    if (line.dropped == 0) return fail(Code::TYPE, "dropped", "more than 0", "0");
  }
  return line;
}

Result<MetricsSample> parse_metrics(FieldReader& fields) {
  MetricsSample sample;
  TRY_ASSIGN(sample.monotonic_ns, fields.uint(1, "monotonic_ns"));
  TRY_ASSIGN(CborReader * reader, fields.item(2, "metrics"));
  TRY_ASSIGN(const std::uint64_t count, reader->read_array("metrics"));
  if (count > limits::kMetricsPerSampleMax) {
    return fail(Code::LIMIT, "metrics", "at most " + std::to_string(limits::kMetricsPerSampleMax),
                std::to_string(count));
  }
  for (std::uint64_t i = 0; i < count; ++i) {
    TRY_ASSIGN(const std::uint64_t items, reader->read_array("metric"));
    if (items != 2) return fail(Code::TYPE, "metric", "[name, value]", std::to_string(items) + " items");
    TRY_ASSIGN(const std::string_view name, reader->read_text("name"));
    if (name.size() > limits::kControlWordBytesMax || !metric_name(name)) {
      return fail(Code::TYPE, "name", "a metric's name", printable(name));
    }
    TRY_ASSIGN(const std::int64_t value, reader->read_int("value"));
    sample.metrics.push_back(Metric{std::string(name), value});
  }
  TRY(fields.advance());
  return sample;
}

Result<TokenAnswer> parse_token_answer(FieldReader& fields) {
  TokenAnswer answer;
  TRY_ASSIGN(answer.id, fields.uint(1, "id"));
  TRY_ASSIGN(const std::string_view token, fields.text(2, "token", limits::kTokenBytesMax));
  answer.token = token;
  return answer;
}

Result<TokenRefused> parse_token_refused(FieldReader& fields) {
  TokenRefused refused;
  TRY_ASSIGN(refused.id, fields.uint(1, "id"));
  TRY_ASSIGN(refused.code, read_word(fields, 2, "code", limits::kControlWordBytesMax));
  return refused;
}

template <class Message>
Result<Message> unknown_type(const Frame& frame) {
  return fail(Code::MESSAGE_TYPE, "control", "a message of this direction", "type " + std::to_string(frame.type));
}

Result<ControlUp> parse_up(const Frame& frame, FieldReader& fields) {
  switch (frame.type) {
    case kJournal: {
      TRY_ASSIGN(JournalEntry message, parse_journal(fields));
      return ControlUp(std::move(message));
    }
    case kHealth: {
      TRY_ASSIGN(const HealthReport message, parse_health(fields));
      return ControlUp(message);
    }
    case kLog: {
      TRY_ASSIGN(LogLine message, parse_log(fields));
      return ControlUp(std::move(message));
    }
    case kMetrics: {
      TRY_ASSIGN(MetricsSample message, parse_metrics(fields));
      return ControlUp(std::move(message));
    }
    case kTokenRequest: {
      TRY_ASSIGN(const std::uint64_t id, fields.uint(1, "id"));
      return ControlUp(TokenRequest{id});
    }
    default: return unknown_type<ControlUp>(frame);
  }
}

Result<ControlDown> parse_down(const Frame& frame, FieldReader& fields) {
  switch (frame.type) {
    case kClockHint: {
      TRY_ASSIGN(const std::int64_t unix_ms, fields.integer(1, "unix_ms"));
      return ControlDown(ClockHint{unix_ms});
    }
    case kTokenAnswer: {
      TRY_ASSIGN(TokenAnswer message, parse_token_answer(fields));
      return ControlDown(std::move(message));
    }
    case kTokenRefused: {
      TRY_ASSIGN(TokenRefused message, parse_token_refused(fields));
      return ControlDown(std::move(message));
    }
    default: return unknown_type<ControlDown>(frame);
  }
}

}  // namespace

std::string_view name_of(CageState state) {
  switch (state) {
    case CageState::booting: return "booting";
    case CageState::provisioning: return "provisioning";
    case CageState::starting: return "starting";
    case CageState::ready: return "ready";
    case CageState::unhealthy: return "unhealthy";
    case CageState::draining: return "draining";
    case CageState::stopped: return "stopped";
    case CageState::failed: return "failed";
  }
  return "unknown";
}

Bytes write_control(const ControlUp& message) {
  return std::visit([](const auto& m) { return write(m); }, message);
}

Bytes write_control(const ControlDown& message) {
  return std::visit([](const auto& m) { return write(m); }, message);
}

Result<ControlUp> parse_control_up(ByteView payload) {
  TRY_ASSIGN(const Frame frame, parse_frame(payload));
  TRY(expect_version(frame, kControlVersion));
  TRY_ASSIGN(FieldReader fields, FieldReader::open(frame.fields));
  TRY_ASSIGN(ControlUp message, parse_up(frame, fields));
  TRY(fields.finish());
  return message;
}

Result<ControlDown> parse_control_down(ByteView payload) {
  TRY_ASSIGN(const Frame frame, parse_frame(payload));
  TRY(expect_version(frame, kControlVersion));
  TRY_ASSIGN(FieldReader fields, FieldReader::open(frame.fields));
  TRY_ASSIGN(ControlDown message, parse_down(frame, fields));
  TRY(fields.finish());
  return message;
}

}  // namespace cages::wire
