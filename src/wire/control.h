// SPDX-License-Identifier: Apache-2.0
// The control stream (vsock 7001): one long-lived stream that the enclave opens to its host. Up: journal, health, log
// lines, metrics, token requests. Down: clock hints and answers to token requests. Two directions, two types: neither
// side can parse a message that only the other may send. Everything the host says is a hint; a token is judged by the
// provisioner.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/frame.h"

namespace cages::wire {

inline constexpr std::uint64_t kControlVersion = 1;

// Where the cage is, as health reports and life-cycle answers say it.
enum class CageState : std::uint8_t {
  booting = 0,       // before the journal's `token`
  provisioning = 1,  // waiting for provisioning
  starting = 2,      // the app was started and is not healthy yet
  ready = 3,
  unhealthy = 4,  // it was ready; the probe fails now
  draining = 5,
  stopped = 6,  // by request or because the lease ended
  failed = 7,   // boot failed; the journal says where and why
};
std::string_view name_of(CageState state);

// One stage of the boot, ended. `stage` is one of interfaces JOURNAL; `code` is "ok" or an error class; `detail` tells
// the operator more and never holds anything of the app's data.
struct JournalEntry {
  std::string stage;
  std::uint64_t monotonic_ns = 0;
  std::string code;
  std::string detail;
  bool operator==(const JournalEntry&) const = default;
};

struct HealthReport {
  CageState state = CageState::booting;
  std::uint64_t monotonic_ns = 0;
  bool operator==(const HealthReport&) const = default;
};

enum class LogStream : std::uint8_t { app_out = 1, app_err = 2, runtime = 3 };

// One line without its end, as the app wrote it: any bytes. Whoever shows it escapes it. `dropped` counts the lines
// lost before this one because the stream could not take them.
struct LogLine {
  LogStream stream = LogStream::app_out;
  std::uint64_t monotonic_ns = 0;
  Bytes text;
  std::uint64_t dropped = 0;
  bool operator==(const LogLine&) const = default;
};

// Names are [a-z][a-z0-9_]*, as metrics are called; values are gauges or counters.
struct Metric {
  std::string name;
  std::int64_t value = 0;
  bool operator==(const Metric&) const = default;
};

struct MetricsSample {
  std::uint64_t monotonic_ns = 0;
  std::vector<Metric> metrics;
  bool operator==(const MetricsSample&) const = default;
};

// Asks the host's broker for one token (design §4.2). `id` ties the answer to it.
struct TokenRequest {
  std::uint64_t id = 0;
  bool operator==(const TokenRequest&) const = default;
};

struct ClockHint {
  std::int64_t unix_ms = 0;
  bool operator==(const ClockHint&) const = default;
};

struct TokenAnswer {
  std::uint64_t id = 0;
  std::string token;
  bool operator==(const TokenAnswer&) const = default;
};

struct TokenRefused {
  std::uint64_t id = 0;
  std::string code;
  bool operator==(const TokenRefused&) const = default;
};

using ControlUp = std::variant<JournalEntry, HealthReport, LogLine, MetricsSample, TokenRequest>;
using ControlDown = std::variant<ClockHint, TokenAnswer, TokenRefused>;

// write: one frame, length included. Texts longer than their bound (base/limits.h) are cut, never refused: a report
// must not fail for its length. Code points are not split.
Bytes write_control(const ControlUp& message);
Bytes write_control(const ControlDown& message);
// parse: the bytes of one frame after its length. MESSAGE_TYPE where the other direction's or an unknown message comes,
// MESSAGE_VERSION, UNKNOWN_KEY, MISSING, LIMIT, CBOR.
Result<ControlUp> parse_control_up(ByteView payload);
Result<ControlDown> parse_control_down(ByteView payload);

}  // namespace cages::wire
