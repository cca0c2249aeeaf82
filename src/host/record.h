// SPDX-License-Identifier: Apache-2.0
// Record: what one enclave said of itself: journal, health, log lines, metrics. Everything within a bound, whatever it
// sends; nothing in it is believed, only shown. No I/O. For cage-host.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "wire/control.h"

namespace cages::host {

struct RecordCounts {
  std::uint64_t messages = 0;
  std::uint64_t lines = 0;
  std::uint64_t lines_dropped = 0;    // over the rate, here or before they got here
  std::uint64_t metrics_dropped = 0;  // names beyond kRecordMetricsMax
  std::uint64_t streams_refused = 0;  // ended for what came through them
};

class Record {
 public:
  // The host's own stages come first in the journal.
  void stage(std::string name, std::uint64_t took_ns, std::string detail);
  void take(const wire::JournalEntry& entry);
  void take(const wire::HealthReport& report) { state_ = report.state; }
  // take returns true where the line is within kRecordLinesPerSecond of `now` and so may be logged.
  bool take(const wire::LogLine& line, Nanoseconds now);
  void take(const wire::MetricsSample& sample);

  [[nodiscard]] wire::CageState state() const { return state_; }
  // last_code: the code of the journal's last entry.
  [[nodiscard]] std::string last_code() const;
  [[nodiscard]] Json journal() const;
  // log: the last lines, escaped, oldest first.
  [[nodiscard]] Json log() const;
  [[nodiscard]] const std::map<std::string, std::int64_t>& metrics() const { return metrics_; }
  RecordCounts counts;

 private:
  struct Entry {
    std::string source;
    wire::JournalEntry entry;
  };
  void add(Entry entry);
  wire::CageState state_ = wire::CageState::booting;
  std::deque<Entry> journal_;
  std::uint64_t journal_dropped_ = 0;
  std::deque<wire::LogLine> lines_;
  std::size_t line_bytes_ = 0;
  std::map<std::string, std::int64_t> metrics_;
  Nanoseconds second_{0};
  std::size_t lines_in_second_ = 0;
};

// metric_lines writes one enclave's metrics as Prometheus text: cage_<name>{cage="…",deployment="…",source="enclave"}
// value.
std::string metric_lines(const Record& record, std::string_view cage, std::string_view deployment);

// RateLimit: at most `count` in each `period`. For what an enclave asks the host to do.
class RateLimit {
 public:
  RateLimit(std::size_t count, Nanoseconds period) : count_(count), period_(period) {}
  // admit returns false where `now` is one too many.
  bool admit(Nanoseconds now);

 private:
  std::size_t count_;
  Nanoseconds period_;
  std::deque<Nanoseconds> taken_;
};

}  // namespace cages::host
