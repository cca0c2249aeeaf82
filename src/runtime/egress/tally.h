// SPDX-License-Identifier: Apache-2.0
// Tally: what egress counts and what it says. Verdicts by entry, ours and the host's; one alarm where the host refuses
// what the measured list allows; lines for the owner's log, bounded in number, each refusal with the entry to add.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "policy/allow_list.h"
#include "wire/control.h"
#include "wire/egress.h"

namespace cages::runtime::egress {

class Tally {
 public:
  using Say = std::function<void(std::string_view line)>;
  // lifetime: everything outlives this.
  Tally(const policy::AllowList& list, const Clock& clock, Say say);

  void allowed(const policy::Permit& permit);
  // refused: by our list; `why` names the entry to add.
  void refused(const std::string& target, std::uint16_t port, const Error& why);
  // refused_name: a DNS question.
  void refused_name(const std::string& name);
  // filtered: an answer named a host that is not on the list.
  void filtered(const std::string& name, const std::string& target, std::uint16_t port);
  // host_refused: after we allowed it. Of a code that the host's copy of the list decides, an alarm.
  void host_refused(const policy::Permit& permit, wire::EgressCode code, std::string_view text);
  void host_refused_name(const std::string& name, wire::EgressCode code);
  // broken: the host did not answer, or not by the protocol.
  void broken(const policy::Permit& permit, const Error& why);
  void overloaded();

  [[nodiscard]] bool alarm() const { return alarm_; }
  // sample: at most kMetricsPerSampleMax; entries by their place in the manifest, the most used first.
  [[nodiscard]] std::vector<wire::Metric> sample() const;

 private:
  struct Count {
    std::uint64_t allowed = 0;
    std::uint64_t host_refused = 0;
  };
  void line(const std::string& about, const std::string& text);
  void raise(const std::string& what);

  const Clock& clock_;
  Say say_;
  std::vector<Count> entries_;
  std::uint64_t allowed_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t refused_names_ = 0;
  std::uint64_t filtered_ = 0;
  std::uint64_t host_refused_ = 0;
  std::uint64_t broken_ = 0;
  std::uint64_t overloaded_ = 0;
  bool alarm_ = false;
  struct Said {
    std::string about;
    Nanoseconds at;
  };
  std::deque<Said> said_;  // lately, so that a retry does not say it again
  std::uint64_t unsaid_ = 0;
};

}  // namespace cages::runtime::egress
