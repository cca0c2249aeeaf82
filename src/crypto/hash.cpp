// SPDX-License-Identifier: Apache-2.0
#include "crypto/hash.h"

#include <openssl/evp.h>

#include <cstdlib>
#include <utility>

namespace cages::crypto {
namespace {

// A digest of OpenSSL's default provider cannot fail but for want of memory; going on without it would be worse.
void must(int ok) {
  if (ok != 1) std::abort();
}

template <std::size_t N>
std::array<Byte, N> digest(const EVP_MD* md, ByteView data) {
  std::array<Byte, N> out{};
  unsigned length = 0;
  must(EVP_Digest(data.data(), data.size(), out.data(), &length, md, nullptr));
  return out;
}

}  // namespace

Digest256 sha256(ByteView data) { return digest<32>(EVP_sha256(), data); }
Digest384 sha384(ByteView data) { return digest<48>(EVP_sha384(), data); }

Hasher::Hasher(Algorithm algorithm) : context_(EVP_MD_CTX_new()) {
  if (context_ == nullptr) std::abort();
  must(EVP_DigestInit_ex(context_, algorithm == Algorithm::sha256 ? EVP_sha256() : EVP_sha384(), nullptr));
}
Hasher::~Hasher() { EVP_MD_CTX_free(context_); }
Hasher::Hasher(Hasher&& other) noexcept : context_(std::exchange(other.context_, nullptr)) {}
Hasher& Hasher::operator=(Hasher&& other) noexcept {
  std::swap(context_, other.context_);
  return *this;
}
void Hasher::update(ByteView data) { must(EVP_DigestUpdate(context_, data.data(), data.size())); }
Bytes Hasher::finish() {
  Bytes out(static_cast<std::size_t>(EVP_MD_CTX_get_size(context_)));
  unsigned length = 0;
  must(EVP_DigestFinal_ex(context_, out.data(), &length));
  return out;
}

}  // namespace cages::crypto
