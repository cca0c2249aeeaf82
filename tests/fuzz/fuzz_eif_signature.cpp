// SPDX-License-Identifier: Apache-2.0
// Signature sections: whatever is accepted has one spelling, and no certificate or COSE_Sign1 in it can do harm.
#include <cstdlib>

#include "eif/signature.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cages;
  const ByteView section(data, size);
  const auto signature = eif::parse_signature(section);
  if (!signature) return 0;
  const auto again = eif::write_signature(*signature);
  if (again && !equal(*again, section)) std::abort();
  const auto certificate = eif::signing_certificate(*signature);
  if (!certificate) return 0;
  (void)eif::verify_signature(*signature, *certificate, crypto::Digest384{});
  (void)eif::measure_certificate(*certificate);
  return 0;
}
