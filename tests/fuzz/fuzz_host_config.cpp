// SPDX-License-Identifier: Apache-2.0
// cage-host's configuration: no crash, whatever the file holds; and what is taken shows nothing beyond this machine.
#include <cstdlib>

#include "host/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = cages::host::parse_host_config(text, "host.toml");
  if (config) {
    if (config->observe.host != "127.0.0.1" && config->observe.host != "::1") std::abort();
    if (config->caged.host.empty() || config->development) std::abort();
  }
  const auto address = cages::host::parse_address(text);
  if (address && address->host.empty()) std::abort();
  return 0;
}
