// SPDX-License-Identifier: Apache-2.0
// The CBOR reader and the payload parser take any bytes; a payload that is accepted survives being written and read again.
#include <cstdlib>

#include "wire/attestation_document.h"
#include "wire/cbor.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const cages::ByteView input(data, size);
  cages::wire::CborReader reader(input);
  while (!reader.at_end() && reader.skip()) {
  }
  const auto document = cages::wire::parse_payload(input);
  if (!document) return 0;
  for (const auto form : {cages::wire::MapForm::definite, cages::wire::MapForm::indefinite}) {
    const cages::Bytes written = cages::wire::write_payload(*document, form);
    const auto again = cages::wire::parse_payload(written);
    if (!again || cages::wire::write_payload(*again, form) != written) std::abort();
  }
  return 0;
}
