// SPDX-License-Identifier: Apache-2.0
// Certificates and requests as another side sends them: nothing crashes, and what is accepted has one encoding.
#include <cstdlib>

#include "crypto/certificate.h"

extern "C" int LLVMFuzzerTestOneInput(const cages::Byte* data, std::size_t size) {
  const cages::ByteView bytes(data, size);
  if (const auto certificate = cages::crypto::Certificate::from_der(bytes)) {
    if (!cages::equal(certificate->der(), bytes)) std::abort();
    (void)certificate->subject_text();
    (void)certificate->extension(cages::crypto::oid::kNameConstraints);
    (void)certificate->signed_by(certificate->public_key());
  }
  if (const auto csr = cages::crypto::Csr::from_der(bytes)) (void)csr->subject();
  return 0;
}
