// SPDX-License-Identifier: Apache-2.0
#include "runtime/egress/tally.h"

#include <algorithm>
#include <numeric>

#include "base/limits.h"

namespace cages::runtime::egress {
namespace {

constexpr Nanoseconds kSaidAgain = std::chrono::seconds(10);
constexpr std::size_t kLinesPerPeriod = 50;  // in kSaidAgain; below what a host takes of a cage
constexpr std::size_t kEntriesShown = 16;    // two metrics each

std::string printable_target(const policy::Permit& permit) {
  const auto* address = std::get_if<IpAddress>(&permit.target());
  const std::string target = address != nullptr ? write_ip(*address) : std::get<std::string>(permit.target());
  return printable(target) + " port " + std::to_string(permit.port());
}

wire::Metric metric(std::string name, std::uint64_t value) { return {std::move(name), static_cast<std::int64_t>(value)}; }

}  // namespace

Tally::Tally(const policy::AllowList& list, const Clock& clock, Say say)
    : clock_(clock), say_(std::move(say)), entries_(list.size()) {}

// The same twice within kSaidAgain is said once; beyond kLinesPerPeriod others are counted only.
void Tally::line(const std::string& about, const std::string& text) {
  const Nanoseconds now = clock_.monotonic();
  while (!said_.empty() && now - said_.front().at >= kSaidAgain) said_.pop_front();
  if (std::ranges::find(said_, about, &Said::about) != said_.end()) return;
  if (said_.size() >= kLinesPerPeriod) {
    ++unsaid_;
    return;
  }
  said_.push_back({about, now});
  const std::string before = unsaid_ == 0 ? "" : "egress: " + std::to_string(unsaid_) + " more lines left out; ";
  unsaid_ = 0;
  say_(before + text);
}

void Tally::allowed(const policy::Permit& permit) {
  ++allowed_;
  ++entries_.at(permit.entry()).allowed;
}

void Tally::refused(const std::string& target, std::uint16_t port, const Error& why) {
  ++refused_;
  const std::string where = printable(target) + " port " + std::to_string(port);
  line(where, "egress refused: " + where + (why.expected.empty() ? "" : ": add " + why.expected));
}

void Tally::refused_name(const std::string& name) {
  ++refused_names_;
  const std::string shown = printable(name, limits::kDnsNameBytesMax);
  line("dns " + shown, "egress refused: the name " + shown + ": add \"" + shown + "\" to [egress] allow for port 443, or \"" +
                           shown + ":PORT\"");
}

void Tally::filtered(const std::string& name, const std::string& target, std::uint16_t port) {
  ++filtered_;
  const std::string shown = printable(target, limits::kDnsNameBytesMax);
  line("filtered " + shown, "egress: " + printable(name) + " refers to " + shown + ", which is not listed; left out of the answer: add \"" +
                                policy::missing_entry(shown, port) + "\" to [egress] allow");
}

void Tally::raise(const std::string& what) {
  if (!alarm_) say_("egress ALARM: the host refuses what the measured list allows (" + what + "): its copy of the list is another, or it lies");
  alarm_ = true;
}

void Tally::host_refused(const policy::Permit& permit, wire::EgressCode code, std::string_view text) {
  ++host_refused_;
  ++entries_.at(permit.entry()).host_refused;
  const std::string where = printable_target(permit);
  if (code == wire::EgressCode::refused || code == wire::EgressCode::list) raise(where);
  const std::string name(code_info(wire::code_of(code)).name);
  line("host " + name + where, "egress: " + where + ": the host says " + name + (text.empty() ? "" : " (" + printable(text) + ")"));
}

void Tally::host_refused_name(const std::string& name, wire::EgressCode code) {
  ++host_refused_;
  const std::string shown = printable(name, limits::kDnsNameBytesMax);
  if (code == wire::EgressCode::refused || code == wire::EgressCode::list) raise("the name " + shown);
}

void Tally::broken(const policy::Permit& permit, const Error& why) {
  ++broken_;
  const std::string where = printable_target(permit);
  line("broken " + where, "egress: " + where + ": the host did not take it: " + error_class(why));
}

void Tally::overloaded() {
  ++overloaded_;
  line("overload", "egress: connections refused: more than " + std::to_string(limits::kEgressStreamsMax) + " at a time");
}

std::vector<wire::Metric> Tally::sample() const {
  std::vector<wire::Metric> out{metric(std::string(wire::kEgressAllowedMetric), allowed_),
                                metric(std::string(wire::kEgressRefusedMetric), refused_),
                                metric("egress_refused_names_total", refused_names_),
                                metric("egress_filtered_records_total", filtered_),
                                metric("egress_host_refused_total", host_refused_),
                                metric("egress_host_broken_total", broken_),
                                metric("egress_overload_total", overloaded_),
                                metric("egress_alarm", alarm_ ? 1 : 0)};
  std::vector<std::size_t> order(entries_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, std::greater(), [&](std::size_t i) { return entries_[i].allowed; });
  if (order.size() > kEntriesShown) order.resize(kEntriesShown);
  for (const std::size_t i : order) {
    if (entries_[i].allowed == 0) continue;
    const std::string name = "egress_entry_" + std::to_string(i);
    out.push_back(metric(name + "_allowed_total", entries_[i].allowed));
    out.push_back(metric(name + "_host_refused_total", entries_[i].host_refused));
  }
  return out;
}

}  // namespace cages::runtime::egress
