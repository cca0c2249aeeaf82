// SPDX-License-Identifier: Apache-2.0
#include "attest/root.h"

#include "crypto/hash.h"
#include "wire/x509.h"

namespace cages::attest {

Result<TrustRoot> TrustRoot::development(ByteView der) {
  const auto parsed = wire::parse_certificate(der);
  if (!parsed) return fail(Code::PEM, "root", "one certificate", describe(parsed.error()));
  return TrustRoot(to_bytes(der), "development:" + hex(crypto::sha256(der)));
}

}  // namespace cages::attest
