// SPDX-License-Identifier: Apache-2.0
#include "runtime/cage/metrics.h"

#include <unistd.h>

#include <charconv>
#include <optional>
#include <string_view>

#include "base/file.h"

namespace cages::runtime {
namespace {

// proc(5): sizes in pages, the second is what is resident.
std::optional<std::int64_t> resident_bytes() {
  constexpr std::size_t kStatmBytesMax = 256;
  const auto text = read_file("/proc/self/statm", kStatmBytesMax);
  if (!text) return std::nullopt;
  const std::string_view line = as_text(*text);
  const std::size_t space = line.find(' ');
  std::int64_t pages = 0;
  if (space == std::string_view::npos) return std::nullopt;
  const auto read = std::from_chars(line.data() + space + 1, line.data() + line.size(), pages);
  if (read.ec != std::errc()) return std::nullopt;
  return pages * sysconf(_SC_PAGESIZE);
}

}  // namespace

wire::MetricsSample sample(const CageCounts& counts, Nanoseconds now) {
  wire::MetricsSample sample;
  sample.monotonic_ns = static_cast<std::uint64_t>(now.count());
  const auto add = [&](std::string_view name, std::uint64_t value) {
    sample.metrics.push_back({std::string(name), static_cast<std::int64_t>(value)});
  };
  add("app_restarts_total", counts.app_restarts);
  add("connections", counts.connections);
  add("connections_total", counts.plane.connections);
  add("connections_refused_total", counts.plane.refused_full);
  add("handshakes_failed_total", counts.plane.refused_handshakes);
  add("requests_total", counts.plane.requests);
  add("requests_in_flight", counts.plane.in_flight);
  add("sessions_proven_total", counts.plane.sessions);
  if (const auto bytes = resident_bytes()) sample.metrics.push_back({"runtime_memory_bytes", *bytes});
  return sample;
}

}  // namespace cages::runtime
