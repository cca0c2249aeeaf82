// SPDX-License-Identifier: Apache-2.0
// X.509 certificates (RFC 5280), bytes to a type. It judges nothing but encoding: chains and purposes are the verifier's
// (attest/core/chain.h). For wire/, attest/ and tests; making certificates is crypto's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace cages::wire {

enum class SignatureAlgorithm : std::uint8_t { ecdsa_sha256, ecdsa_sha384, ecdsa_sha512, other };
enum class KeyType : std::uint8_t { p256, p384, p521, other };

// RFC 5280 §4.2.1.3, as read_named_bits numbers them.
namespace key_usage {
inline constexpr std::uint16_t kDigitalSignature = 1U << 0;
inline constexpr std::uint16_t kKeyCertSign = 1U << 5;
inline constexpr std::uint16_t kCrlSign = 1U << 6;
}  // namespace key_usage

struct BasicConstraints {
  bool ca = false;
  std::optional<std::uint32_t> path_length;
};

struct Extension {
  ByteView oid;
  bool critical;
  ByteView value;  // content of the OCTET STRING
};

// lifetime: every view looks into the bytes that were parsed.
struct Certificate {
  ByteView tbs;  // what is signed
  unsigned version = 1;
  ByteView serial;
  SignatureAlgorithm signature_algorithm = SignatureAlgorithm::other;
  ByteView signature;  // as in the BIT STRING: for ECDSA an ECDSA-Sig-Value
  ByteView issuer;     // whole Name, for comparison byte by byte
  ByteView subject;
  std::int64_t not_before = 0;  // seconds since the epoch, inclusive
  std::int64_t not_after = 0;   // inclusive
  ByteView spki;                // whole SubjectPublicKeyInfo
  KeyType key_type = KeyType::other;
  ByteView point;  // uncompressed, where key_type is a curve
  std::optional<BasicConstraints> basic_constraints;
  std::optional<std::uint16_t> key_usage;
  // The first critical extension that is neither of the two above.
  std::optional<ByteView> unknown_critical;
  std::vector<Extension> extensions;

  // find_extension returns the extension with this object identifier, or null.
  [[nodiscard]] const Extension* find_extension(ByteView oid) const;
};

// parse_certificate reads exactly one certificate. CERTIFICATE_PARSE where it is not strict DER, where anything follows it, or
// where an extension occurs twice.
Result<Certificate> parse_certificate(ByteView der);

// common_name returns the last CN of a Name, or nothing where there is none; CERTIFICATE_PARSE where it is no Name.
Result<std::optional<std::string>> common_name(ByteView name);

}  // namespace cages::wire
