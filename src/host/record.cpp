// SPDX-License-Identifier: Apache-2.0
#include "host/record.h"

#include "base/limits.h"
#include "base/text.h"

namespace cages::host {
namespace {

std::string_view name_of(wire::LogStream stream) {
  switch (stream) {
    case wire::LogStream::app_out: return "out";
    case wire::LogStream::app_err: return "err";
    case wire::LogStream::runtime: return "runtime";
  }
  return "unknown";
}

}  // namespace

void Record::add(Entry entry) {
  if (journal_.size() == limits::kRecordJournalEntriesMax) {
    journal_.pop_front();
    ++journal_dropped_;
  }
  journal_.push_back(std::move(entry));
}

void Record::stage(std::string name, std::uint64_t took_ns, std::string detail) {
  add({"host", {std::move(name), took_ns, "ok", std::move(detail)}});
}

void Record::take(const wire::JournalEntry& entry) { add({"enclave", entry}); }

bool Record::take(const wire::LogLine& line, Nanoseconds now) {
  ++counts.lines;
  counts.lines_dropped += line.dropped;
  if (now - second_ >= std::chrono::seconds(1)) {
    second_ = now;
    lines_in_second_ = 0;
  }
  if (++lines_in_second_ > limits::kRecordLinesPerSecond) {
    ++counts.lines_dropped;
    return false;
  }
  line_bytes_ += line.text.size();
  lines_.push_back(line);
  while (lines_.size() > limits::kRecordLogLinesMax || line_bytes_ > limits::kRecordLogBytesMax) {
    line_bytes_ -= lines_.front().text.size();
    lines_.pop_front();
  }
  return true;
}

void Record::take(const wire::MetricsSample& sample) {
  for (const auto& metric : sample.metrics) {
    const auto found = metrics_.find(metric.name);
    if (found != metrics_.end()) {
      found->second = metric.value;
    } else if (metrics_.size() < limits::kRecordMetricsMax) {
      metrics_.emplace(metric.name, metric.value);
    } else {
      ++counts.metrics_dropped;
    }
  }
}

std::string Record::last_code() const { return journal_.empty() ? std::string() : journal_.back().entry.code; }

Json Record::journal() const {
  Json::Array entries;
  for (const auto& [source, entry] : journal_) {
    entries.push_back(Json::object({{"source", source},
                                    {"stage", printable(entry.stage)},
                                    {"ns", entry.monotonic_ns},
                                    {"code", printable(entry.code)},
                                    {"detail", printable(entry.detail, limits::kJournalDetailBytesMax)}}));
  }
  return Json::object({{"state", wire::name_of(state_)}, {"dropped", journal_dropped_}, {"entries", Json(std::move(entries))}});
}

Json Record::log() const {
  Json::Array lines;
  for (const auto& line : lines_) {
    lines.push_back(Json::object({{"stream", name_of(line.stream)},
                                  {"ns", line.monotonic_ns},
                                  {"text", printable(as_text(line.text), limits::kLogLineBytesMax)}}));
  }
  return Json::object({{"dropped", counts.lines_dropped}, {"lines", Json(std::move(lines))}});
}

std::string metric_lines(const Record& record, std::string_view cage, std::string_view deployment) {
  const std::string labels = "{cage=\"" + metric_label(cage) + "\",deployment=\"" + metric_label(deployment) + "\",source=";
  std::string out;
  for (const auto& [name, value] : record.metrics()) out += "cage_" + name + labels + "\"enclave\"} " + std::to_string(value) + "\n";
  const auto host = [&](const char* name, std::uint64_t value) {
    out += std::string("cage_host_") + name + labels + "\"host\"} " + std::to_string(value) + "\n";
  };
  host("messages_total", record.counts.messages);
  host("log_lines_total", record.counts.lines);
  host("log_lines_dropped_total", record.counts.lines_dropped);
  host("metrics_dropped_total", record.counts.metrics_dropped);
  host("streams_refused_total", record.counts.streams_refused);
  host("ready", record.state() == wire::CageState::ready ? 1 : 0);
  return out;
}

bool RateLimit::admit(Nanoseconds now) {
  while (!taken_.empty() && now - taken_.front() >= period_) taken_.pop_front();
  if (taken_.size() >= count_) return false;
  taken_.push_back(now);
  return true;
}

}  // namespace cages::host
