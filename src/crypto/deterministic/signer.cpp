// SPDX-License-Identifier: Apache-2.0
#include "crypto/deterministic/signer.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include <memory>

namespace cages::crypto {
namespace {

struct FreePrivateKey {
  void operator()(gnutls_privkey_t key) const { gnutls_privkey_deinit(key); }
};
struct FreeDatum {
  void operator()(unsigned char* data) const { gnutls_free(data); }
};
struct FreeNumber {
  void operator()(BIGNUM* number) const { BN_clear_free(number); }
};
using Key = std::unique_ptr<gnutls_privkey_st, FreePrivateKey>;

gnutls_ecc_curve_t curve_of(Curve curve) {
  switch (curve) {
    case Curve::p256: return GNUTLS_ECC_CURVE_SECP256R1;
    case Curve::p384: return GNUTLS_ECC_CURVE_SECP384R1;
    case Curve::p521: return GNUTLS_ECC_CURVE_SECP521R1;
  }
  return GNUTLS_ECC_CURVE_INVALID;
}

gnutls_sign_algorithm_t algorithm_of(Curve curve) {
  switch (curve) {
    case Curve::p256: return GNUTLS_SIGN_ECDSA_SHA256;
    case Curve::p384: return GNUTLS_SIGN_ECDSA_SHA384;
    case Curve::p521: return GNUTLS_SIGN_ECDSA_SHA512;
  }
  return GNUTLS_SIGN_UNKNOWN;
}

gnutls_datum_t datum(ByteView bytes) {
  return {const_cast<unsigned char*>(bytes.data()), static_cast<unsigned>(bytes.size())};
}

Result<Secret> scalar_of(const PrivateKey& key) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key.handle(), OSSL_PKEY_PARAM_PRIV_KEY, &number) != 1) {
    return fail(Code::INTERNAL, "EVP_PKEY_get_bn_param");
  }
  const std::unique_ptr<BIGNUM, FreeNumber> owned(number);
  Secret out(field_bytes(key.curve()));
  const int width = static_cast<int>(out.size());
  if (BN_bn2binpad(number, out.reveal_mutable().data(), width) != width) return fail(Code::INTERNAL, "BN_bn2binpad");
  return out;
}

Result<Key> import_key(const PrivateKey& key) {
  gnutls_privkey_t handle = nullptr;
  if (gnutls_privkey_init(&handle) != GNUTLS_E_SUCCESS) return fail(Code::INTERNAL, "gnutls_privkey_init");
  Key out(handle);
  TRY_ASSIGN(const Secret scalar, scalar_of(key));
  // A SubjectPublicKeyInfo ends with the uncompressed point (RFC 5480 §2.2).
  const std::size_t width = field_bytes(key.curve());
  const ByteView point = ByteView(key.public_key().spki()).last(2 * width);
  const gnutls_datum_t x = datum(point.first(width));
  const gnutls_datum_t y = datum(point.last(width));
  const gnutls_datum_t k = datum(scalar.reveal());
  if (const int code = gnutls_privkey_import_ecc_raw(handle, curve_of(key.curve()), &x, &y, &k);
      code != GNUTLS_E_SUCCESS) {
    return fail(Code::INTERNAL, "gnutls_privkey_import_ecc_raw", "", gnutls_strerror(code));
  }
  return out;
}

}  // namespace

Result<Bytes> sign_deterministic(const PrivateKey& key, ByteView message) {
  TRY_ASSIGN(const Key imported, import_key(key));
  const gnutls_datum_t input = datum(message);
  gnutls_datum_t signature{};
  if (const int code = gnutls_privkey_sign_data2(imported.get(), algorithm_of(key.curve()),
                                                 GNUTLS_PRIVKEY_FLAG_REPRODUCIBLE, &input, &signature);
      code != GNUTLS_E_SUCCESS) {
    return fail(Code::INTERNAL, "gnutls_privkey_sign_data2", "", gnutls_strerror(code));
  }
  const std::unique_ptr<unsigned char, FreeDatum> owned(signature.data);
  return der_to_raw(ByteView(signature.data, signature.size), field_bytes(key.curve()));
}

}  // namespace cages::crypto
