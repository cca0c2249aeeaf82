// SPDX-License-Identifier: Apache-2.0
// Encrypted strings, their metadata, and files: what is accepted is written back and read again as the same.
#include <cstdlib>

#include "wire/ev_file.h"
#include "wire/ev_string.h"

namespace {

void strings(std::string_view text) {
  using namespace cages::wire;
  const auto value = parse_ev(text);
  if (!value) return;
  const std::string written = write_ev(*value);
  const auto again = parse_ev(written);
  if (!again || write_ev(*again) != written || again->sealed != value->sealed || again->type != value->type)
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const cages::Byte* data, std::size_t size) {
  using namespace cages::wire;
  const cages::ByteView bytes(data, size);
  strings(cages::as_text(bytes));
  if (const auto metadata = parse_ev_metadata(bytes)) {
    const auto again = parse_ev_metadata(write_ev_metadata(metadata->first));
    if (!again || again->first != metadata->first || metadata->second > size) std::abort();
  }
  if (const auto file = parse_ev_file(bytes); file && write_ev_file(*file) != cages::to_bytes(bytes)) std::abort();
  return 0;
}
