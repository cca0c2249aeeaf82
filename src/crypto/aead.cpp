// SPDX-License-Identifier: Apache-2.0
#include "crypto/aead.h"

#include <openssl/evp.h>

#include <limits>
#include <memory>

namespace cages::crypto {
namespace {

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

const EVP_CIPHER* cipher_for(const Secret& key) {
  if (key.size() == 16) return EVP_aes_128_gcm();
  if (key.size() == 32) return EVP_aes_256_gcm();
  return nullptr;
}

bool fits(ByteView bytes) { return bytes.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max() / 2); }
int length_of(ByteView bytes) { return static_cast<int>(bytes.size()); }

}  // namespace

Result<Bytes> aead_seal(const Secret& key, ByteView nonce, ByteView aad, ByteView plaintext) {
  const EVP_CIPHER* cipher = cipher_for(key);
  if (cipher == nullptr || nonce.size() != kAeadNonceBytes || !fits(aad) || !fits(plaintext)) {
    return fail(Code::INTERNAL, "aead_seal");
  }
  const Cipher context(EVP_CIPHER_CTX_new());
  Bytes out(plaintext.size() + kAeadTagBytes);
  int length = 0;
  const bool ok =
      EVP_EncryptInit_ex(context.get(), cipher, nullptr, key.reveal().data(), nonce.data()) == 1 &&
      EVP_EncryptUpdate(context.get(), nullptr, &length, aad.data(), length_of(aad)) == 1 &&
      EVP_EncryptUpdate(context.get(), out.data(), &length, plaintext.data(), length_of(plaintext)) == 1 &&
      EVP_EncryptFinal_ex(context.get(), out.data() + length, &length) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kAeadTagBytes, out.data() + plaintext.size()) == 1;
  if (!ok) return fail(Code::INTERNAL, "EVP_Encrypt");
  return out;
}

Result<Secret> aead_open(const Secret& key, ByteView nonce, ByteView aad, ByteView sealed) {
  const EVP_CIPHER* cipher = cipher_for(key);
  if (cipher == nullptr || nonce.size() != kAeadNonceBytes || !fits(aad)) return fail(Code::INTERNAL, "aead_open");
  if (sealed.size() < kAeadTagBytes || !fits(sealed)) return fail(Code::SEALED, "", "a tag of 16 bytes", "fewer bytes");
  const ByteView ciphertext = sealed.first(sealed.size() - kAeadTagBytes);
  Bytes tag = to_bytes(sealed.last(kAeadTagBytes));
  const Cipher context(EVP_CIPHER_CTX_new());
  Secret out(ciphertext.size());
  int length = 0;
  const bool ok =
      EVP_DecryptInit_ex(context.get(), cipher, nullptr, key.reveal().data(), nonce.data()) == 1 &&
      EVP_DecryptUpdate(context.get(), nullptr, &length, aad.data(), length_of(aad)) == 1 &&
      EVP_DecryptUpdate(context.get(), out.reveal_mutable().data(), &length, ciphertext.data(), length_of(ciphertext)) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kAeadTagBytes, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(context.get(), tag.data(), &length) == 1;
  if (!ok) return fail(Code::SEALED);
  return out;
}

}  // namespace cages::crypto
