// SPDX-License-Identifier: Apache-2.0
#include "crypto/hpke.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include <array>
#include <memory>

#include "crypto/aead.h"
#include "crypto/handles.h"

namespace cages::crypto {
namespace {

using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Context = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;
using Kdf = std::unique_ptr<EVP_KDF, Free<EVP_KDF_free>>;
using KdfContext = std::unique_ptr<EVP_KDF_CTX, Free<EVP_KDF_CTX_free>>;

constexpr std::size_t kHashBytes = 32;
constexpr std::uint16_t kKem = 0x0020;
constexpr std::uint16_t kKdf = 0x0001;

void append_u16(Bytes& to, std::size_t value) {
  to.push_back(static_cast<Byte>(value >> 8));
  to.push_back(static_cast<Byte>(value));
}

Bytes kem_suite() {
  Bytes id = to_bytes("KEM");
  append_u16(id, kKem);
  return id;
}

Bytes hpke_suite(HpkeAead aead) {
  Bytes id = to_bytes("HPKE");
  append_u16(id, kKem);
  append_u16(id, kKdf);
  append_u16(id, static_cast<std::uint16_t>(aead));
  return id;
}

// HKDF with SHA-256, one half at a time (RFC 5869 §2.2, §2.3). OSSL_PARAM takes mutable pointers and does not write to them.
Result<Secret> hkdf(int mode, ByteView key, ByteView salt, ByteView info, std::size_t length) {
  const Kdf kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  const KdfContext context(EVP_KDF_CTX_new(kdf.get()));
  char digest[] = "SHA256";
  // OpenSSL takes an empty octet string only with a pointer that is not null.
  Byte nothing = 0;
  const auto octets = [&nothing](const char* name, ByteView bytes) {
    return OSSL_PARAM_construct_octet_string(name, bytes.empty() ? &nothing : const_cast<Byte*>(bytes.data()), bytes.size());
  };
  std::array<OSSL_PARAM, 6> params{OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
                                   OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                                   octets(OSSL_KDF_PARAM_KEY, key),
                                   OSSL_PARAM_construct_end(),
                                   OSSL_PARAM_construct_end(),
                                   OSSL_PARAM_construct_end()};
  if (mode == EVP_KDF_HKDF_MODE_EXTRACT_ONLY && !salt.empty()) params[3] = octets(OSSL_KDF_PARAM_SALT, salt);
  if (mode == EVP_KDF_HKDF_MODE_EXPAND_ONLY) params[3] = octets(OSSL_KDF_PARAM_INFO, info);
  Secret out(length);
  if (!context || EVP_KDF_derive(context.get(), out.reveal_mutable().data(), length, params.data()) != 1) {
    return fail(Code::INTERNAL, "HKDF");
  }
  return out;
}

// RFC 9180 §4: labels keep every use of the hash apart.
Result<Secret> labeled_extract(ByteView suite, ByteView salt, std::string_view label, ByteView ikm) {
  Bytes labeled = to_bytes("HPKE-v1");
  append(labeled, suite);
  append(labeled, as_bytes(label));
  append(labeled, ikm);
  const Secret input(std::move(labeled));
  return hkdf(EVP_KDF_HKDF_MODE_EXTRACT_ONLY, input.reveal(), salt, {}, kHashBytes);
}

Result<Secret> labeled_expand(ByteView suite, const Secret& prk, std::string_view label, ByteView info, std::size_t length) {
  Bytes labeled;
  append_u16(labeled, length);
  append(labeled, as_bytes("HPKE-v1"));
  append(labeled, suite);
  append(labeled, as_bytes(label));
  append(labeled, info);
  return hkdf(EVP_KDF_HKDF_MODE_EXPAND_ONLY, prk.reveal(), {}, labeled, length);
}

// RFC 7748 §6.1; OpenSSL refuses the all-zero result that a point of small order gives (RFC 9180 §7.1.4).
Result<Secret> agree(const HpkePrivateKey& key, ByteView peer) {
  const ByteView raw = key.bytes().reveal();
  const Key own(EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, raw.data(), raw.size()));
  const Key other(EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, peer.data(), peer.size()));
  if (!own || !other) return fail(Code::HPKE_KEY, "", "32 bytes", std::to_string(peer.size()));
  const Context context(EVP_PKEY_CTX_new(own.get(), nullptr));
  Secret shared(kHpkeKeyBytes);
  std::size_t length = shared.size();
  if (EVP_PKEY_derive_init(context.get()) != 1 || EVP_PKEY_derive_set_peer(context.get(), other.get()) != 1 ||
      EVP_PKEY_derive(context.get(), shared.reveal_mutable().data(), &length) != 1 || length != kHpkeKeyBytes) {
    return fail(Code::HPKE_KEY, "", "a point of large order", "another");
  }
  return shared;
}

// ExtractAndExpand of RFC 9180 §4.1.
Result<Secret> kem_secret(const Secret& dh, ByteView enc, ByteView recipient) {
  const Bytes suite = kem_suite();
  TRY_ASSIGN(const Secret prk, labeled_extract(suite, {}, "eae_prk", dh.reveal()));
  Bytes kem_context = to_bytes(enc);
  append(kem_context, recipient);
  return labeled_expand(suite, prk, "shared_secret", kem_context, kHashBytes);
}

struct Schedule {
  Secret key;
  Secret nonce;
};

// KeySchedule of RFC 9180 §5.1 in base mode: no PSK.
Result<Schedule> schedule(HpkeAead aead, const Secret& shared, ByteView info) {
  const Bytes suite = hpke_suite(aead);
  TRY_ASSIGN(const Secret psk_id_hash, labeled_extract(suite, {}, "psk_id_hash", {}));
  TRY_ASSIGN(const Secret info_hash, labeled_extract(suite, {}, "info_hash", info));
  constexpr Byte kModeBase = 0;
  Bytes context{kModeBase};
  append(context, psk_id_hash.reveal());
  append(context, info_hash.reveal());
  TRY_ASSIGN(const Secret secret, labeled_extract(suite, shared.reveal(), "secret", {}));
  const std::size_t key_bytes = aead == HpkeAead::aes_128_gcm ? 16 : 32;
  Schedule out;
  TRY_ASSIGN(out.key, labeled_expand(suite, secret, "key", context, key_bytes));
  TRY_ASSIGN(out.nonce, labeled_expand(suite, secret, "base_nonce", context, kAeadNonceBytes));
  return out;
}

}  // namespace

Result<HpkePrivateKey> HpkePrivateKey::from_bytes(Secret bytes) {
  const ByteView raw = bytes.reveal();
  const Key key(EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, raw.data(), raw.size()));
  Bytes pub(kHpkeKeyBytes);
  std::size_t length = pub.size();
  if (!key || EVP_PKEY_get_raw_public_key(key.get(), pub.data(), &length) != 1) {
    return fail(Code::HPKE_KEY, "", "32 bytes", std::to_string(raw.size()));
  }
  return HpkePrivateKey(std::move(bytes), std::move(pub));
}

Result<HpkePrivateKey> HpkePrivateKey::generate() {
  const Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519"));
  Secret bytes(kHpkeKeyBytes);
  std::size_t length = bytes.size();
  if (!key || EVP_PKEY_get_raw_private_key(key.get(), bytes.reveal_mutable().data(), &length) != 1) {
    return fail(Code::INTERNAL, "X25519");
  }
  return from_bytes(std::move(bytes));
}

Result<HpkeSealed> hpke_seal(ByteView recipient, ByteView info, ByteView aad, ByteView plaintext) {
  TRY_ASSIGN(const HpkePrivateKey ephemeral, HpkePrivateKey::generate());
  return hpke_seal_with(ephemeral, HpkeAead::aes_256_gcm, recipient, info, aad, plaintext);
}

Result<HpkeSealed> hpke_seal_with(const HpkePrivateKey& ephemeral, HpkeAead aead, ByteView recipient, ByteView info,
                                  ByteView aad, ByteView plaintext) {
  TRY_ASSIGN(const Secret dh, agree(ephemeral, recipient));
  TRY_ASSIGN(const Secret shared, kem_secret(dh, ephemeral.public_key(), recipient));
  TRY_ASSIGN(const Schedule keys, schedule(aead, shared, info));
  HpkeSealed out{ephemeral.public_key(), {}};
  TRY_ASSIGN(out.ct, aead_seal(keys.key, keys.nonce.reveal(), aad, plaintext));
  return out;
}

Result<Secret> hpke_open(const HpkePrivateKey& key, ByteView enc, ByteView info, ByteView aad, ByteView ct, HpkeAead aead) {
  TRY_ASSIGN(const Secret dh, agree(key, enc));
  TRY_ASSIGN(const Secret shared, kem_secret(dh, enc, key.public_key()));
  TRY_ASSIGN(const Schedule keys, schedule(aead, shared, info));
  return aead_open(keys.key, keys.nonce.reveal(), aad, ct);
}

}  // namespace cages::crypto
