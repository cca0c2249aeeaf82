// SPDX-License-Identifier: Apache-2.0
// Journal: what happened at boot, stage by stage, each named and timed (interfaces, JOURNAL). Kept from the first
// moment on, so that the host can read it even where boot fails before there is anything to send it by. Across the
// trust line goes a code and a sentence about the machine; never the app's data.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/result.h"
#include "wire/control.h"

namespace cages::runtime {

namespace stage {
inline constexpr std::string_view kMounts = "init.mounts";
inline constexpr std::string_view kEntropy = "init.entropy";
inline constexpr std::string_view kHeartbeat = "init.heartbeat";
inline constexpr std::string_view kNsm = "nsm.describe";
inline constexpr std::string_view kToken = "token";
inline constexpr std::string_view kAttest = "attest";
inline constexpr std::string_view kProvision = "provision";
inline constexpr std::string_view kLeaf = "leaf";
inline constexpr std::string_view kAppStart = "app.start";
inline constexpr std::string_view kAppHealthy = "app.healthy";
inline constexpr std::string_view kReady = "ready";
}  // namespace stage

class Journal {
 public:
  // `kept`: it is among entries().
  using Observer = std::function<void(const wire::JournalEntry&, bool kept)>;
  explicit Journal(const Clock& clock) : clock_(clock) {}
  // done ends a stage well; failed with an error: its class is the code.
  void done(std::string_view stage, std::string detail = {});
  void failed(std::string_view stage, const Error& error);
  // record is done or failed, by how the stage ended; returns whether well. What it returned is the detail.
  bool record(std::string_view stage, const Result<std::string>& outcome);
  // observe hears every entry from now on.
  void observe(Observer observer) { observers_.push_back(std::move(observer)); }
  // The first kJournalEntriesMax entries: the boot is among them, whatever comes later.
  [[nodiscard]] const std::vector<wire::JournalEntry>& entries() const { return entries_; }
  [[nodiscard]] const wire::JournalEntry& last() const { return last_; }

 private:
  void add(wire::JournalEntry entry);
  const Clock& clock_;
  std::vector<wire::JournalEntry> entries_;
  wire::JournalEntry last_;
  std::vector<Observer> observers_;
};

}  // namespace cages::runtime
