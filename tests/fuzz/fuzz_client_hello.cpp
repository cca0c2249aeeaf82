// SPDX-License-Identifier: Apache-2.0
// Hostile bytes as a ClientHello. A verdict on some bytes never changes when fewer of them have arrived, but to "not yet".
#include <cstdlib>

#include "wire/client_hello.h"

extern "C" int LLVMFuzzerTestOneInput(const cages::Byte* data, std::size_t size) {
  const cages::ByteView whole(data, size);
  const auto name = cages::wire::parse_server_name(whole);
  if (!name || !*name) return 0;
  if (!cages::wire::is_dns_name(**name)) std::abort();
  const auto early = cages::wire::parse_server_name(whole.first(size / 2));
  if (!early || (*early && *early != *name)) std::abort();
  return 0;
}
