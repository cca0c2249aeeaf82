// SPDX-License-Identifier: Apache-2.0
#include "host/config.h"

#include <algorithm>
#include <charconv>

#include "base/file.h"
#include "base/limits.h"
#include "base/paths.h"
#include "base/toml.h"
#include "policy/destination.h"

namespace cages::host {
namespace {

Result<std::string> required(TomlTable& table, std::string_view key) {
  TRY_ASSIGN(auto value, table.text(key));
  if (!value) return fail(Code::HOST_CONFIG, std::string(key), "a value", "none");
  return std::move(*value);
}

Result<std::string> text_or(TomlTable& table, std::string_view key, std::string_view otherwise) {
  TRY_ASSIGN(auto value, table.text(key));
  return value ? std::move(*value) : std::string(otherwise);
}

bool loopback(const std::string& host) { return host == "127.0.0.1" || host == "::1"; }

}  // namespace

Result<Address> parse_address(std::string_view text) {
  const auto refuse = [&] { return fail(Code::USAGE, "address", "host:port or [address]:port", printable(text)); };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return refuse();
  std::string_view host = text.substr(0, colon);
  const std::string_view number = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return refuse();
  }
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), port);
  if (host.empty() || error != std::errc{} || end != number.data() + number.size()) return refuse();
  return Address{std::string(host), port};
}

Result<HostConfig> parse_host_config(std::string_view text, std::string_view file) {
  TRY_ASSIGN(TomlTable table, parse_toml(text, file));
  HostConfig config;
  TRY_ASSIGN(const std::string caged, required(table, "caged"));
  TRY_ASSIGN(config.caged, parse_address(caged));
  const std::filesystem::path state = system_folder(SystemFolder::state);
  TRY_ASSIGN(config.state, text_or(table, "state", (state / "host").native()));
  TRY_ASSIGN(config.run, text_or(table, "run", system_folder(SystemFolder::run).native()));
  TRY_ASSIGN(const std::string ingress, text_or(table, "ingress", "[::]:443"));
  TRY_ASSIGN(config.ingress, parse_address(ingress));
  TRY_ASSIGN(const std::string observe, text_or(table, "observe", "127.0.0.1:9464"));
  TRY_ASSIGN(config.observe, parse_address(observe));
  if (!loopback(config.observe.host)) return fail(Code::USAGE, "observe", "127.0.0.1 or ::1", printable(config.observe.host));
  TRY_ASSIGN(const auto peers, table.texts("proxy_peers"));
  if (peers) config.proxy_peers.insert(peers->begin(), peers->end());
  TRY_ASSIGN(config.nsm_program, text_or(table, "nsm", ""));
  TRY_ASSIGN(config.nsm_state, text_or(table, "nsm_state", (state / "nsm").native()));
  TRY_ASSIGN(config.instance_id, text_or(table, "instance_id", ""));
  TRY_ASSIGN(config.role_arn, text_or(table, "role_arn", ""));
  TRY_ASSIGN(const auto memory, table.integer("memory_mib", static_cast<std::int64_t>(limits::kEnclaveMemoryMibMin), 1 << 20));
  if (memory) config.memory_mib = static_cast<std::uint64_t>(*memory);
  TRY_ASSIGN(const auto shared, table.boolean("shared_kernel"));
  config.shared_kernel = shared.value_or(false);
  TRY_ASSIGN(TomlTable* const egress, table.table("egress"));
  TRY_ASSIGN(auto ranges, egress->texts("allow_ranges"));
  if (ranges) config.egress_ranges = std::move(*ranges);
  TRY(policy::DestinationPolicy::make(config.egress_ranges));
  TRY_ASSIGN(auto servers, egress->texts("dns_servers"));
  if (servers) config.dns_servers = std::move(*servers);
  TRY_ASSIGN(const auto dials, egress->integer("dials_per_second", 1, 100'000));
  if (dials) config.egress_dials_per_second = static_cast<double>(*dials);
  TRY(egress->finish());
  TRY(table.finish());
  return config;
}

Result<HostConfig> read_host_config(const std::filesystem::path& path) {
  TRY_ASSIGN(const Bytes text, read_file(path, limits::kHostConfigBytesMax));
  return parse_host_config(as_text(text), path.filename().string());
}

}  // namespace cages::host
