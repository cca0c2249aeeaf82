// SPDX-License-Identifier: Apache-2.0
#include "crypto/certificate_text.h"

#include <openssl/bio.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include <algorithm>

namespace cages::crypto {
namespace {

constexpr std::size_t kValueCharactersMax = 256;

std::string time_text(const ASN1_TIME* time) {
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(BIO_new(BIO_s_mem()), BIO_free_all);
  ASN1_TIME_print(bio.get(), time);
  char* data = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(std::max(length, 0L))};
}

std::string value_text(const ASN1_STRING* value) {
  unsigned char* utf8 = nullptr;
  const int length = ASN1_STRING_to_UTF8(&utf8, value);
  if (length < 0) return "?";
  std::string out =
      printable({reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(length)}, kValueCharactersMax);
  OPENSSL_free(utf8);
  return out;
}

}  // namespace

CertificateText certificate_text(const Certificate& certificate) {
  CertificateText out;
  const X509* x509 = certificate.handle();
  const X509_NAME* issuer = X509_get_issuer_name(x509);
  for (int i = 0; i < X509_NAME_entry_count(issuer); ++i) {
    const X509_NAME_ENTRY* entry = X509_NAME_get_entry(issuer, i);
    const char* long_name = OBJ_nid2ln(OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)));
    out.issuer.emplace_back(long_name == nullptr ? "unknown" : long_name, value_text(X509_NAME_ENTRY_get_data(entry)));
  }
  std::ranges::sort(out.issuer);
  const ASN1_BIT_STRING* signature = nullptr;
  const X509_ALGOR* algorithm = nullptr;
  X509_get0_signature(&signature, &algorithm, x509);
  const char* name = OBJ_nid2ln(OBJ_obj2nid(algorithm->algorithm));
  out.algorithm = name == nullptr ? "unknown" : name;
  out.signature = hex({ASN1_STRING_get0_data(signature), static_cast<std::size_t>(ASN1_STRING_length(signature))});
  out.not_before = time_text(X509_get0_notBefore(x509));
  out.not_after = time_text(X509_get0_notAfter(x509));
  return out;
}

}  // namespace cages::crypto
