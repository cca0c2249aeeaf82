// SPDX-License-Identifier: Apache-2.0
#include "crypto/cose.h"

namespace cages::crypto {
namespace {

constexpr Byte kTagSign1 = 0xd2;  // RFC 9052 §2: tag 18

// RFC 9053 §2.1 pairs algorithm and hash; here the curve is paired too.
wire::CoseAlgorithm algorithm_of(Curve curve) {
  switch (curve) {
    case Curve::p256: return wire::CoseAlgorithm::es256;
    case Curve::p384: return wire::CoseAlgorithm::es384;
    case Curve::p521: return wire::CoseAlgorithm::es512;
  }
  return wire::CoseAlgorithm::es384;
}

std::string number(wire::CoseAlgorithm algorithm) { return std::to_string(static_cast<int>(algorithm)); }

}  // namespace

Result<Bytes> sign_cose(ByteView payload, const Signer& key) {
  const wire::CoseAlgorithm algorithm = algorithm_of(key.public_key().curve());
  const Bytes header = wire::cose_protected_header(algorithm);
  TRY_ASSIGN(const Bytes signature, key.sign(wire::cose_to_be_signed(header, payload)));
  return wire::write_cose_sign1(algorithm, payload, signature);
}

Result<wire::CoseSign1> read_cose(ByteView bytes) {
  if (!bytes.empty() && bytes[0] == kTagSign1) return fail(Code::COSE_TAG, "", "no tag", "tag 18");
  TRY_ASSIGN(const wire::CoseSign1 text, wire::parse_cose_sign1(bytes));
  TRY(wire::require_empty_unprotected(text));
  return text;
}

Result<void> verify_cose(const wire::CoseSign1& text, const PublicKey& key) {
  const wire::CoseAlgorithm algorithm = algorithm_of(key.curve());
  if (text.algorithm != algorithm) return fail(Code::COSE_ALG, "", number(algorithm), number(text.algorithm));
  if (!key.verify(wire::cose_to_be_signed(text.protected_header, text.payload), text.signature)) {
    return fail(Code::COSE_SIGNATURE, "", "by the key given", "another");
  }
  return {};
}

}  // namespace cages::crypto
