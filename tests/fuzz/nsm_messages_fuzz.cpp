// SPDX-License-Identifier: Apache-2.0
// Any bytes are refused by name or read; what was read is written and read again to the same bytes.
#include "base/limits.h"
#include "wire/nsm.h"

using namespace cages;

extern "C" int LLVMFuzzerTestOneInput(const Byte* data, std::size_t size) {
  const ByteView input(data, size);
  if (const auto request = wire::parse_nsm_request(input)) {
    const Bytes once = wire::write_nsm_request(*request);
    // An absent optional is written as null, so that a request at the limit can grow beyond it.
    const auto again = wire::parse_nsm_request(once);
    if (once.size() <= limits::kNsmRequestBytesMax && (!again || wire::write_nsm_request(*again) != once)) __builtin_trap();
  } else {
    (void)wire::nsm_status_for(request.error());
  }
  if (const auto response = wire::parse_nsm_response(input)) {
    const Bytes once = wire::write_nsm_response(*response);
    const auto again = wire::parse_nsm_response(once);
    if (!again || wire::write_nsm_response(*again) != once) __builtin_trap();
  }
  return 0;
}
