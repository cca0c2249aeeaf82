// SPDX-License-Identifier: Apache-2.0
#include "server/api/config.h"

#include "base/ip.h"
#include "base/toml.h"

namespace cages::server {
namespace {

constexpr std::int64_t kPortMax = 65535;

Result<void> read_text(TomlTable& table, std::string_view key, std::string& into) {
  TRY_ASSIGN(const std::optional<std::string> value, table.text(key));
  if (value) into = *value;
  return {};
}

Result<void> read_path(TomlTable& table, std::string_view key, std::filesystem::path& into) {
  TRY_ASSIGN(const std::optional<std::string> value, table.text(key));
  if (value) into = *value;
  return {};
}

Result<void> read_port(TomlTable& table, std::string_view key, std::uint16_t& into) {
  TRY_ASSIGN(const std::optional<std::int64_t> value, table.integer(key, 1, kPortMax));
  if (value) into = static_cast<std::uint16_t>(*value);
  return {};
}

}  // namespace

Result<Config> parse_config(std::string_view toml) {
  TRY_ASSIGN(TomlTable table, parse_toml(toml, "caged.toml"));
  Config config;
  TRY_ASSIGN(const std::optional<std::int64_t> version, table.integer("version", 1, 1));
  if (!version) return fail(Code::TOML_KEY, table.where("version"), "version = 1", "none");
  TRY(read_path(table, "state", config.state));
  TRY(read_text(table, "domain", config.domain));
  TRY(read_text(table, "address", config.address));
  TRY(read_port(table, "api_port", config.api_port));
  TRY(read_port(table, "host_port", config.host_port));
  TRY(read_text(table, "api_name", config.api_name));
  TRY(read_path(table, "api_certificate", config.api_certificate));
  TRY(read_path(table, "api_key", config.api_key));
  TRY(read_path(table, "provisioner_chain", config.provisioner_chain));
  TRY_ASSIGN(const auto peers, table.texts("proxy_peers"));
  for (const std::string& peer : peers.value_or(std::vector<std::string>())) {
    if (!parse_ip(peer)) return fail(Code::TOML_KEY, table.where("proxy_peers"), "IP addresses", printable(peer));
    config.proxy_peers.push_back(peer);
  }
  TRY(table.finish());
  if (config.api_certificate.empty() != config.api_key.empty()) {
    return fail(Code::TOML_KEY, "caged.toml", "api_certificate and api_key together", "one of them");
  }
  return config;
}

Config development_config(const std::filesystem::path& state, const std::filesystem::path& nsm_root) {
  Config config;
  config.development = true;
  config.state = state;
  config.address = "127.0.0.1";
  config.api_port = 0;
  config.host_port = 0;
  config.development_roots = {nsm_root};
  return config;
}

}  // namespace cages::server
