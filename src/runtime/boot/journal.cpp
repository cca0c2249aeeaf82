// SPDX-License-Identifier: Apache-2.0
#include "runtime/boot/journal.h"

#include "base/limits.h"

namespace cages::runtime {
namespace {

std::string explain(const Error& error) {
  if (code_info(error.code).audience == Audience::operator_only) return {};
  std::string text(code_info(error.code).sentence);
  if (!error.subject.empty()) text += " (" + error.subject + ")";
  if (!error.expected.empty()) text += "; expected " + error.expected;
  if (!error.got.empty()) text += "; got " + error.got;
  return text;
}

}  // namespace

void Journal::done(std::string_view stage, std::string detail) {
  add({std::string(stage), static_cast<std::uint64_t>(clock_.monotonic().count()), "ok", std::move(detail)});
}

void Journal::failed(std::string_view stage, const Error& error) {
  add({std::string(stage), static_cast<std::uint64_t>(clock_.monotonic().count()), error_class(error), explain(error)});
}

bool Journal::record(std::string_view stage, const Result<std::string>& outcome) {
  if (outcome) {
    done(stage, *outcome);
  } else {
    failed(stage, outcome.error());
  }
  return outcome.has_value();
}

void Journal::add(wire::JournalEntry entry) {
  const bool kept = entries_.size() < limits::kJournalEntriesMax;
  if (kept) entries_.push_back(entry);
  last_ = std::move(entry);
  for (const Observer& observer : observers_) observer(last_, kept);
}

}  // namespace cages::runtime
