// SPDX-License-Identifier: Apache-2.0
// COSE_Sign1 (RFC 9052 §4.2) as attestation documents and image signatures use it: one protected header, the algorithm; the
// payload inside. Bytes to a type and back; keys and signatures are crypto's. For wire/, attest/, eif/ and the NSM.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"

namespace cages::wire {

// RFC 9053 §2.1
enum class CoseAlgorithm : std::int8_t { es256 = -7, es384 = -35, es512 = -36 };

// cose_signature_bytes: width of r||s on the curve that this profile pairs with the algorithm (P-256, P-384, P-521).
std::size_t cose_signature_bytes(CoseAlgorithm algorithm);

// lifetime: every view looks into the bytes that were parsed.
struct CoseSign1 {
  CoseAlgorithm algorithm = CoseAlgorithm::es384;
  ByteView protected_header;  // content of the byte string, as signed
  ByteView unprotected;       // whole encoded item: not authenticated, whatever it says
  ByteView payload;
  ByteView signature;  // r||s
};

// parse_cose_sign1 reads exactly one COSE_Sign1, untagged or with tag 18 once (AWS writes none; both are accepted).
// COSE_* by what is wrong (facts §3.4 steps 1 and 2), TRAILING_BYTES, or the decoder's own class.
Result<CoseSign1> parse_cose_sign1(ByteView bytes);

// require_empty_unprotected: COSE_UNPROTECTED unless the unprotected header is the empty map.
Result<void> require_empty_unprotected(const CoseSign1& cose);

// cose_protected_header returns the content of the protected header for `algorithm`.
Bytes cose_protected_header(CoseAlgorithm algorithm);

// cose_to_be_signed returns the Sig_structure (RFC 9052 §4.4) that is signed.
Bytes cose_to_be_signed(ByteView protected_header, ByteView payload, ByteView external_aad = {});

// write_cose_sign1 writes an untagged COSE_Sign1 with an empty unprotected header. `signature` is r||s over
// cose_to_be_signed(cose_protected_header(algorithm), payload).
Bytes write_cose_sign1(CoseAlgorithm algorithm, ByteView payload, ByteView signature);

}  // namespace cages::wire
