// SPDX-License-Identifier: Apache-2.0
// Config: how this caged is set up: /etc/cages/caged.toml, or what --development makes of a state folder. For server/main.cpp.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/paths.h"
#include "base/result.h"

namespace cages::server {

struct Config {
  bool development = false;
  std::filesystem::path state = system_folder(SystemFolder::state) / "caged";
  std::string domain = "localhost";
  std::string address = "0.0.0.0";
  std::uint16_t api_port = 8443;   // 0: one that is free, written to ports.json
  std::uint16_t host_port = 8444;
  std::string api_name = "localhost";  // the name that the API's own certificate bears
  std::filesystem::path api_certificate;  // PEM chain and key of another authority's, instead of our own
  std::filesystem::path api_key;
  std::filesystem::path provisioner_chain;  // PEM [provisioner, platform root], by the offline root
  std::vector<std::string> proxy_peers;  // addresses of balancers that say by PROXY v2 who connects, on both ports
  std::vector<std::filesystem::path> development_roots;  // PEM; refused outside development
};

// parse_config reads caged.toml: TOML, TOML_KEY. Development is never a setting: it is asked for on the command line.
Result<Config> parse_config(std::string_view toml);
// development_config: everything below `state`, on loopback, ports as free; the roots of this developer's software NSM at
// `nsm_root` (a PEM file; none where it is missing yet).
Config development_config(const std::filesystem::path& state, const std::filesystem::path& nsm_root);

}  // namespace cages::server
