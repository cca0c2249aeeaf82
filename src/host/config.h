// SPDX-License-Identifier: Apache-2.0
// HostConfig: what /etc/cages/host.toml says. For main() and serve.cpp.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/result.h"

namespace cages::host {

struct Address {
  std::string host;  // a name or address; to listen on: an address
  std::uint16_t port = 0;
};

struct HostConfig {
  Address caged;                         // caged = "platform.example:8444"
  std::filesystem::path state;           // state = "/var/lib/cages/host": key, certificate, images; 0700
  std::filesystem::path run;             // run = "/run/cages"
  Address ingress{"::", 443};            // ingress = "[::]:443"
  Address observe{"127.0.0.1", 9464};    // observe = "127.0.0.1:9464"; loopback alone
  std::set<std::string> proxy_peers;     // balancers whose PROXY v2 headers count
  std::filesystem::path nsm_program;     // nsm = ; empty: beside cage-host
  std::filesystem::path nsm_state;       // nsm_state = "/var/lib/cages/nsm"
  std::string instance_id;               // "i-" and 17 hex digits
  std::string role_arn;
  std::uint64_t memory_mib = 512;        // where an assignment names none
  std::vector<std::string> egress_ranges;  // [egress] allow_ranges = ["10.0.0.0/8"]: beside public addresses (policy/destination.h)
  std::vector<std::string> dns_servers;    // [egress] dns_servers = ["192.0.2.53"]; empty: those of /etc/resolv.conf
  double egress_dials_per_second = limits::kEgressDialsPerSecond;  // [egress] dials_per_second: of one cage, twice it at once
  bool shared_kernel = false;            // cages may run on this host's own kernel
  bool development = false;              // --development: this machine alone; implies nothing but shared_kernel
};

// parse_address: "host:port" or "[v6]:port"; USAGE else.
Result<Address> parse_address(std::string_view text);
// parse_host_config: TOML, TOML_KEY, HOST_CONFIG where a setting that has no default is missing.
Result<HostConfig> parse_host_config(std::string_view text, std::string_view file);
Result<HostConfig> read_host_config(const std::filesystem::path& path);

}  // namespace cages::host
