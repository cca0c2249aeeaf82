// SPDX-License-Identifier: Apache-2.0
// What a warden, and whoever got into it, may send to its host: no crash; numbers that were read are written and read alike,
// and no text gets into the host's log as it came.
#include <cstdlib>

#include "host/drivers/report.h"
#include "wire/frame.h"

namespace {

using namespace cages;

template <class T, class Write, class Parse>
void require_stable(const T& read, Write write, Parse parse) {
  const Bytes frame = write(read);
  const auto again = parse(ByteView(frame).subspan(wire::kFrameLengthBytes));
  if (!again || *again != read) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const Byte* data, std::size_t size) {
  const ByteView payload(data, size);
  if (const auto report = drivers::parse_report(payload)) {
    const auto* failed = std::get_if<drivers::Failed>(&*report);
    if (failed == nullptr) {
      require_stable(*report, [](const drivers::Report& r) { return drivers::write_report(r); }, drivers::parse_report);
    } else {  // written cut and escaped
      for (const char c : describe(drivers::to_error(*failed))) {
        if (c == '\033' || c == '\n') std::abort();  // it goes into the host's log
      }
    }
  }
  if (const auto plan = drivers::parse_plan(payload)) require_stable(*plan, drivers::write_plan, drivers::parse_plan);
  return 0;
}
