// SPDX-License-Identifier: Apache-2.0
// EC keys on NIST curves: make, read, write, sign, verify. Signatures are r||s of fixed width over the curve's own hash
// (P-256: SHA-256, P-384: SHA-384, P-521: SHA-512), as JOSE and COSE want them (RFC 7518 §3.4, RFC 9053 §2.1).
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

struct evp_pkey_st;

namespace cages::crypto {

enum class Curve : std::uint8_t { p256, p384, p521 };

// Width in bytes of r, s and a coordinate.
std::size_t field_bytes(Curve curve);

struct FreeKey {
  void operator()(evp_pkey_st* key) const;
};
using KeyHandle = std::unique_ptr<evp_pkey_st, FreeKey>;

class PublicKey {
 public:
  // from_spki reads one DER SubjectPublicKeyInfo (named curve, uncompressed point, nothing after it); PEM else.
  static Result<PublicKey> from_spki(ByteView der);
  static Result<PublicKey> from_pem(std::string_view pem);
  // from_point reads an uncompressed point 04||x||y of `curve`; PEM where it is not on the curve.
  static Result<PublicKey> from_point(Curve curve, ByteView point);
  // verify: true where `signature` (r||s) is the key's over `message`. High s is accepted (nitro.md §3.4.7).
  [[nodiscard]] bool verify(ByteView message, ByteView signature) const;
  [[nodiscard]] const Bytes& spki() const { return spki_; }
  [[nodiscard]] Curve curve() const { return curve_; }
  [[nodiscard]] std::string pem() const;
  [[nodiscard]] evp_pkey_st* handle() const { return key_.get(); }

 private:
  PublicKey(KeyHandle key, Curve curve, Bytes spki) : key_(std::move(key)), curve_(curve), spki_(std::move(spki)) {}
  friend class PrivateKey;
  static Result<PublicKey> from_handle(KeyHandle key);
  KeyHandle key_;
  Curve curve_;
  Bytes spki_;
};

class PrivateKey {
 public:
  static Result<PrivateKey> generate(Curve curve);
  // from_pem reads an unencrypted PKCS#8 or SEC 1 PEM of a NIST-curve key; PEM else.
  static Result<PrivateKey> from_pem(const Secret& pem);
  // secret: PKCS#8 PEM, for files of mode 0600.
  [[nodiscard]] Secret to_pem() const;
  // sign returns r||s over the curve's hash of `message`, with a random nonce.
  [[nodiscard]] Result<Bytes> sign(ByteView message) const;
  [[nodiscard]] const PublicKey& public_key() const { return public_; }
  [[nodiscard]] Curve curve() const { return public_.curve(); }
  [[nodiscard]] evp_pkey_st* handle() const { return key_.get(); }

 private:
  PrivateKey(KeyHandle key, PublicKey pub) : key_(std::move(key)), public_(std::move(pub)) {}
  static Result<PrivateKey> from_handle(KeyHandle key);
  KeyHandle key_;
  PublicKey public_;
};

// der_to_raw and raw_to_der turn an ECDSA-Sig-Value (RFC 3279 §2.2.3) into r||s of 2 × `width` bytes and back.
Result<Bytes> der_to_raw(ByteView der, std::size_t width);
Result<Bytes> raw_to_der(ByteView raw);

}  // namespace cages::crypto
