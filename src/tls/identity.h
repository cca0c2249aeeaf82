// SPDX-License-Identifier: Apache-2.0
// Identity: a certificate chain with the key of its leaf. Roots: which authorities a peer's chain may end at. For
// whoever sets up TLS.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "crypto/key.h"

struct ssl_ctx_st;
struct x509_store_st;

namespace cages::tls {

class Identity {
 public:
  // make takes DER certificates, leaf first. TLS_SETUP where one cannot be read or `key` is not the leaf's.
  static Result<Identity> make(std::span<const Bytes> chain_der, const crypto::PrivateKey& key);
  // from_pem: the same from one PEM text with the certificates in order.
  static Result<Identity> from_pem(std::string_view chain, const crypto::PrivateKey& key);

  // For tls/ alone: gives a context this identity.
  Result<void> use(ssl_ctx_st* context) const;

 private:
  struct Parts;
  std::shared_ptr<const Parts> parts_;
};

struct Roots {
  bool system = false;  // what this machine trusts
  std::string pem;      // certificates of authorities
};

// fill adds every certificate of `roots`. TLS_SETUP where there is none at all or one cannot be read.
Result<void> fill(x509_store_st* store, const Roots& roots);

}  // namespace cages::tls
