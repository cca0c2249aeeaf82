// SPDX-License-Identifier: Apache-2.0
// Whatever the strict COSE reader accepts is, but for a tag, what the writer writes.
#include <cstdlib>

#include "wire/cose.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const cages::ByteView input(data, size);
  const auto cose = cages::wire::parse_cose_sign1(input);
  if (!cose || !cages::wire::require_empty_unprotected(*cose)) return 0;
  const cages::Bytes written = cages::wire::write_cose_sign1(cose->algorithm, cose->payload, cose->signature);
  const bool tagged = input[0] == 0xd2;
  if (!cages::equal(input.subspan(tagged ? 1 : 0), written)) std::abort();
  return 0;
}
