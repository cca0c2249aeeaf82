// SPDX-License-Identifier: Apache-2.0
#include "crypto/key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>

#include "crypto/handles.h"

namespace cages::crypto {
namespace {

using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;
using Signature = std::unique_ptr<ECDSA_SIG, Free<ECDSA_SIG_free>>;
using Context = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;

constexpr std::array<const char*, 3> kGroups{"P-256", "P-384", "P-521"};

Result<Curve> curve_of(const EVP_PKEY* key) {
  std::array<char, 64> name{};
  std::size_t length = 0;
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC ||
      EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, name.data(), name.size(), &length) != 1) {
    return fail(Code::PEM, "", "an EC key on P-256, P-384 or P-521", "another key");
  }
  const std::string_view group(name.data(), length);
  if (group == "prime256v1" || group == "P-256") return Curve::p256;
  if (group == "secp384r1" || group == "P-384") return Curve::p384;
  if (group == "secp521r1" || group == "P-521") return Curve::p521;
  return fail(Code::PEM, "", "P-256, P-384 or P-521", printable(group));
}

Bio memory_bio(ByteView content) { return Bio(BIO_new_mem_buf(content.data(), static_cast<int>(content.size()))); }

// A passphrase is never asked for on a terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

}  // namespace

void FreeKey::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

std::size_t field_bytes(Curve curve) {
  switch (curve) {
    case Curve::p256: return 32;
    case Curve::p384: return 48;
    case Curve::p521: return 66;
  }
  return 0;
}

Result<PublicKey> PublicKey::from_handle(KeyHandle key) {
  TRY_ASSIGN(const Curve curve, curve_of(key.get()));
  unsigned char* der = nullptr;
  const int length = i2d_PUBKEY(key.get(), &der);
  if (length <= 0) return fail(Code::INTERNAL, "i2d_PUBKEY");
  Bytes spki(der, der + length);
  OPENSSL_free(der);
  return PublicKey(std::move(key), curve, std::move(spki));
}

Result<PublicKey> PublicKey::from_spki(ByteView der) {
  const unsigned char* at = der.data();
  KeyHandle key(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
  if (!key || at != der.data() + der.size()) return fail(Code::PEM, "", "one DER SubjectPublicKeyInfo", "other bytes");
  TRY_ASSIGN(PublicKey result, from_handle(std::move(key)));
  // Refuses explicit parameters, compressed points and non-canonical DER: they re-encode to other bytes.
  if (!equal(result.spki_, der)) return fail(Code::PEM, "", "a canonical SubjectPublicKeyInfo", "another encoding");
  return result;
}

Result<PublicKey> PublicKey::from_pem(std::string_view pem) {
  const Bio bio = memory_bio(as_bytes(pem));
  KeyHandle key(PEM_read_bio_PUBKEY(bio.get(), nullptr, no_passphrase, nullptr));
  if (!key) return fail(Code::PEM, "", "a PEM public key", "other text");
  return from_handle(std::move(key));
}

Result<PublicKey> PublicKey::from_point(Curve curve, ByteView point) {
  if (point.size() != 1 + 2 * field_bytes(curve) || point[0] != 4) {
    return fail(Code::PEM, "", "an uncompressed point", std::to_string(point.size()) + " bytes");
  }
  std::unique_ptr<OSSL_PARAM_BLD, Free<OSSL_PARAM_BLD_free>> builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, kGroups.at(static_cast<std::size_t>(curve)), 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size());
  std::unique_ptr<OSSL_PARAM, Free<OSSL_PARAM_free>> params(OSSL_PARAM_BLD_to_param(builder.get()));
  std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>> context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* raw = nullptr;
  if (EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &raw, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return fail(Code::PEM, "", "a point on the curve", "another");
  }
  return from_handle(KeyHandle(raw));
}

std::string PublicKey::pem() const {
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PUBKEY(bio.get(), key_.get());
  char* data = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(length)};
}

bool PublicKey::verify(ByteView message, ByteView signature) const {
  if (signature.size() != 2 * field_bytes(curve_)) return false;
  const auto der = raw_to_der(signature);
  if (!der) return false;
  const Context context(EVP_MD_CTX_new());
  return EVP_DigestVerifyInit(context.get(), nullptr, hash_of(curve_), nullptr, key_.get()) == 1 &&
         EVP_DigestVerify(context.get(), der->data(), der->size(), message.data(), message.size()) == 1;
}

Result<PrivateKey> PrivateKey::from_handle(KeyHandle key) {
  EVP_PKEY_up_ref(key.get());
  TRY_ASSIGN(PublicKey pub, PublicKey::from_handle(KeyHandle(key.get())));
  return PrivateKey(std::move(key), std::move(pub));
}

Result<PrivateKey> PrivateKey::generate(Curve curve) {
  KeyHandle key(EVP_EC_gen(kGroups.at(static_cast<std::size_t>(curve))));
  if (!key) return fail(Code::INTERNAL, "EVP_EC_gen");
  return from_handle(std::move(key));
}

Result<PrivateKey> PrivateKey::from_pem(const Secret& pem) {
  const Bio bio = memory_bio(pem.reveal());
  KeyHandle key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (!key) return fail(Code::PEM, "", "an unencrypted PEM private key", "other text");
  return from_handle(std::move(key));
}

Secret PrivateKey::to_pem() const {
  const Bio bio(BIO_new(BIO_s_secmem()));
  PEM_write_bio_PKCS8PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &data);
  return Secret::copy_of(as_bytes(std::string_view(data, static_cast<std::size_t>(length))));
}

Result<Bytes> PrivateKey::sign(ByteView message) const {
  const Context context(EVP_MD_CTX_new());
  std::size_t length = 0;
  if (EVP_DigestSignInit(context.get(), nullptr, hash_of(curve()), nullptr, key_.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &length, message.data(), message.size()) != 1) {
    return fail(Code::INTERNAL, "EVP_DigestSign");
  }
  Bytes der(length);
  if (EVP_DigestSign(context.get(), der.data(), &length, message.data(), message.size()) != 1) {
    return fail(Code::INTERNAL, "EVP_DigestSign");
  }
  der.resize(length);
  return der_to_raw(der, field_bytes(curve()));
}

Result<Bytes> der_to_raw(ByteView der, std::size_t width) {
  const unsigned char* at = der.data();
  const Signature signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  if (!signature || at != der.data() + der.size()) return fail(Code::PEM, "", "one ECDSA-Sig-Value", "other bytes");
  Bytes raw(2 * width);
  const int w = static_cast<int>(width);
  if (BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), raw.data(), w) != w ||
      BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), raw.data() + width, w) != w) {
    return fail(Code::PEM, "", "r and s of the curve's width", "longer");
  }
  return raw;
}

Result<Bytes> raw_to_der(ByteView raw) {
  if (raw.empty() || raw.size() % 2 != 0) return fail(Code::PEM, "", "r||s", std::to_string(raw.size()) + " bytes");
  const Signature signature(ECDSA_SIG_new());
  const int width = static_cast<int>(raw.size() / 2);
  BIGNUM* r = BN_bin2bn(raw.data(), width, nullptr);
  BIGNUM* s = BN_bin2bn(raw.data() + width, width, nullptr);
  if (!signature || ECDSA_SIG_set0(signature.get(), r, s) != 1) return fail(Code::INTERNAL, "ECDSA_SIG_set0");
  unsigned char* out = nullptr;
  const int length = i2d_ECDSA_SIG(signature.get(), &out);
  if (length <= 0) return fail(Code::INTERNAL, "i2d_ECDSA_SIG");
  Bytes der(out, out + length);
  OPENSSL_free(out);
  return der;
}

}  // namespace cages::crypto
