// SPDX-License-Identifier: Apache-2.0
// Hostile bytes as a PROXY header. What is accepted is written and read again to the same.
#include <cstdlib>

#include "wire/proxy_v2.h"

extern "C" int LLVMFuzzerTestOneInput(const cages::Byte* data, std::size_t size) {
  const auto header = cages::wire::parse_proxy_v2({data, size});
  if (!header) return 0;
  const auto written = cages::wire::write_proxy_v2(*header);
  if (!written) std::abort();
  const auto again = cages::wire::parse_proxy_v2(*written);
  if (!again || *again != *header) std::abort();
  return 0;
}
