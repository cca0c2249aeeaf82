// SPDX-License-Identifier: Apache-2.0
#include "tls/identity.h"

#include <openssl/pem.h>

#include <vector>

#include "tls/handles.h"

namespace cages::tls {
namespace {

BioPtr reader(std::string_view text) { return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

// Every CERTIFICATE block of a PEM text, in order.
Result<std::vector<CertificatePtr>> read_pem(std::string_view pem) {
  std::vector<CertificatePtr> certificates;
  const BioPtr bio = reader(pem);
  ERR_clear_error();
  for (;;) {
    CertificatePtr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!certificate) break;
    certificates.push_back(std::move(certificate));
  }
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  if (certificates.empty() || ERR_GET_REASON(code) != PEM_R_NO_START_LINE) {
    return fail(Code::TLS_SETUP, "certificates", "PEM certificates", "other text");
  }
  return certificates;
}

}  // namespace

struct Identity::Parts {
  std::vector<CertificatePtr> chain;
  crypto::KeyHandle key;
  static Result<Identity> check(Parts parts) {
    if (parts.chain.empty()) return fail(Code::TLS_SETUP, "chain", "a certificate", "none");
    if (X509_check_private_key(parts.chain.front().get(), parts.key.get()) != 1) {
      ERR_clear_error();
      return fail(Code::TLS_SETUP, "key", "the key of the first certificate", "another key");
    }
    Identity identity;
    identity.parts_ = std::make_shared<const Parts>(std::move(parts));
    return identity;
  }
  static crypto::KeyHandle share(const crypto::PrivateKey& key) {
    EVP_PKEY_up_ref(key.handle());
    return crypto::KeyHandle(key.handle());
  }
};

Result<Identity> Identity::make(std::span<const Bytes> chain_der, const crypto::PrivateKey& key) {
  Parts parts{.chain = {}, .key = Parts::share(key)};
  for (const Bytes& der : chain_der) {
    const unsigned char* at = der.data();
    CertificatePtr certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
    if (!certificate || at != der.data() + der.size())
      return fail(Code::TLS_SETUP, "chain", "DER certificates", last_error());
    parts.chain.push_back(std::move(certificate));
  }
  return Parts::check(std::move(parts));
}

Result<Identity> Identity::from_pem(std::string_view chain, const crypto::PrivateKey& key) {
  TRY_ASSIGN(auto certificates, read_pem(chain));
  return Parts::check({.chain = std::move(certificates), .key = Parts::share(key)});
}

Result<void> Identity::use(ssl_ctx_st* context) const {
  bool good = SSL_CTX_use_certificate(context, parts_->chain.front().get()) == 1 &&
              SSL_CTX_use_PrivateKey(context, parts_->key.get()) == 1;
  for (std::size_t i = 1; good && i < parts_->chain.size(); ++i) {
    good = SSL_CTX_add1_chain_cert(context, parts_->chain[i].get()) == 1;
  }
  if (!good) return fail(Code::TLS_SETUP, "identity", "", last_error());
  return {};
}

Result<void> fill(x509_store_st* store, const Roots& roots) {
  if (!roots.system && roots.pem.empty()) return fail(Code::TLS_SETUP, "roots", "an authority", "none");
  if (roots.system && X509_STORE_set_default_paths(store) != 1) return fail(Code::TLS_SETUP, "roots", "", last_error());
  if (roots.pem.empty()) return {};
  TRY_ASSIGN(const auto certificates, read_pem(roots.pem));
  for (const CertificatePtr& certificate : certificates) {
    if (X509_STORE_add_cert(store, certificate.get()) != 1) return fail(Code::TLS_SETUP, "roots", "", last_error());
  }
  return {};
}

}  // namespace cages::tls
