// SPDX-License-Identifier: Apache-2.0
#include "host/egress/counts.h"

#include "base/limits.h"
#include "base/text.h"

namespace cages::host {
namespace {

std::string_view reason_of(std::size_t code) {
  return code == 0 ? "ok" : code_info(wire::code_of(static_cast<wire::EgressCode>(code))).name;
}

}  // namespace

bool Verdicts::compare(std::int64_t enclave_allowed, std::uint64_t host_permitted) {
  const auto before = before_;
  before_ = host_permitted;
  return !before || enclave_allowed >= static_cast<std::int64_t>(*before);
}

std::string egress_lines(const EgressCounts& counts, const policy::AllowList& list, std::size_t streams, std::string_view cage,
                         std::string_view deployment) {
  const std::string labels = "{cage=\"" + metric_label(cage) + "\",deployment=\"" + metric_label(deployment) + "\",source=\"host\"";
  std::string out;
  const auto add = [&](std::string_view name, const std::string& more, std::uint64_t value) {
    out += "cage_host_egress_" + std::string(name) + labels + more + "} " + std::to_string(value) + "\n";
  };
  add("streams", "", streams);
  add("opens_total", "", counts.opens);
  add("permitted_total", "", counts.permitted);
  add("malformed_total", "", counts.malformed);
  add("name_queries_total", "", counts.name_queries);
  add("name_queries_refused_total", "", counts.name_queries_refused);
  add("sent_bytes_total", "", counts.forward_bytes);
  add("received_bytes_total", "", counts.backward_bytes);
  add("alarms_total", "", counts.alarms);
  for (std::size_t code = 0; code < counts.by_code.size(); ++code) {
    add("answers_total", ",code=\"" + std::string(reason_of(code)) + "\"", counts.by_code[code]);
  }
  for (std::size_t i = 0; i < counts.entries.size(); ++i) {
    const std::string entry = ",entry=\"" + metric_label(list.entry_text(i), 2 * limits::kEgressEntryBytesMax) + "\"";
    add("entry_allowed_total", entry, counts.entries[i].allowed);
    add("entry_refused_total", entry, counts.entries[i].refused);
  }
  return out;
}

}  // namespace cages::host
