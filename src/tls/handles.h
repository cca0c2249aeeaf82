// SPDX-License-Identifier: Apache-2.0
// OpenSSL's objects with owners, and its last error as text. For the .cpp files of tls/ alone.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace cages::tls {

template <auto F>
struct Free {
  template <class T>
  void operator()(T* p) const {
    F(p);
  }
};
using BioPtr = std::unique_ptr<BIO, Free<BIO_free_all>>;
using SslPtr = std::unique_ptr<SSL, Free<SSL_free>>;
using ContextPtr = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;
using CertificatePtr = std::unique_ptr<X509, Free<X509_free>>;

// last_error takes the earliest error of OpenSSL's queue and empties the queue.
inline std::string last_error() {
  const char* reason = nullptr;
  if (const unsigned long code = ERR_get_error(); code != 0) reason = ERR_reason_error_string(code);
  ERR_clear_error();
  return reason != nullptr ? reason : "no reason given";
}

}  // namespace cages::tls
