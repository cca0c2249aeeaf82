// SPDX-License-Identifier: Apache-2.0
#include "crypto/certificate.h"

#include <openssl/asn1.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>

#include "crypto/handles.h"

namespace cages::crypto {
namespace {

using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;
using Handle = std::unique_ptr<X509, Free<X509_free>>;
using Request = std::unique_ptr<X509_REQ, Free<X509_REQ_free>>;
using NameHandle = std::unique_ptr<X509_NAME, Free<X509_NAME_free>>;
using Object = std::unique_ptr<ASN1_OBJECT, Free<ASN1_OBJECT_free>>;
using OctetString = std::unique_ptr<ASN1_OCTET_STRING, Free<ASN1_OCTET_STRING_free>>;
using ExtensionHandle = std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>>;
using Integer = std::unique_ptr<ASN1_INTEGER, Free<ASN1_INTEGER_free>>;
using Number = std::unique_ptr<BIGNUM, Free<BN_free>>;

// encode runs one of OpenSSL's i2d functions; empty where it fails.
template <class I2d, class T>
Bytes encode(I2d i2d, T* object) {
  unsigned char* out = nullptr;
  const int length = i2d(object, &out);
  if (length <= 0) return {};
  Bytes bytes(out, out + length);
  OPENSSL_free(out);
  return bytes;
}

Result<NameHandle> read_name(ByteView der) {
  const unsigned char* at = der.data();
  NameHandle name(d2i_X509_NAME(nullptr, &at, static_cast<long>(der.size())));
  if (!name || at != der.data() + der.size()) return fail(Code::INTERNAL, "name", "one DER Name", hex(der));
  return name;
}

Result<WallTime> read_time(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return fail(Code::CERTIFICATE, "", "a time", "another value");
  return from_unix_seconds(::timegm(&parts));
}

// OpenSSL writes UTCTime up to 2049 and GeneralizedTime after, as RFC 5280 §4.1.2.5 asks.
bool set_time(ASN1_TIME* field, WallTime time) {
  return field != nullptr && ASN1_TIME_set(field, static_cast<std::time_t>(unix_seconds(time))) != nullptr;
}

Result<void> add_extension(X509* certificate, const Extension& extension) {
  const Object object(OBJ_txt2obj(extension.oid.c_str(), 1));
  const OctetString value(ASN1_OCTET_STRING_new());
  if (!object || !value ||
      ASN1_OCTET_STRING_set(value.get(), extension.value.data(), static_cast<int>(extension.value.size())) != 1) {
    return fail(Code::INTERNAL, "extension", "an object identifier", extension.oid);
  }
  const ExtensionHandle handle(
      X509_EXTENSION_create_by_OBJ(nullptr, object.get(), extension.critical ? 1 : 0, value.get()));
  if (!handle || X509_add_ext(certificate, handle.get(), -1) != 1) return fail(Code::INTERNAL, "X509_add_ext");
  return {};
}

Result<void> set_serial(X509* certificate, ByteView serial) {
  if (serial.empty() || serial.size() > 20 || all_zero(serial)) {
    return fail(Code::INTERNAL, "serial", "1 to 20 bytes, not zero", hex(serial));
  }
  const Number number(BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr));
  const Integer integer(BN_to_ASN1_INTEGER(number.get(), nullptr));
  if (!integer || X509_set_serialNumber(certificate, integer.get()) != 1) return fail(Code::INTERNAL, "serial");
  return {};
}

Result<void> set_fields(X509* certificate, const CertificateFields& fields, const PublicKey& key) {
  TRY_ASSIGN(const NameHandle subject, read_name(fields.subject));
  TRY_ASSIGN(const NameHandle issuer, read_name(fields.issuer));
  TRY(set_serial(certificate, fields.serial));
  constexpr long kVersion3 = 2;
  if (X509_set_version(certificate, kVersion3) != 1 || X509_set_subject_name(certificate, subject.get()) != 1 ||
      X509_set_issuer_name(certificate, issuer.get()) != 1 ||
      !set_time(X509_getm_notBefore(certificate), fields.not_before) ||
      !set_time(X509_getm_notAfter(certificate), fields.not_after) ||
      X509_set_pubkey(certificate, key.handle()) != 1) {
    return fail(Code::INTERNAL, "certificate fields");
  }
  for (const Extension& extension : fields.extensions) TRY(add_extension(certificate, extension));
  return {};
}

std::shared_ptr<X509> share(X509* certificate) { return {certificate, X509_free}; }

}  // namespace

Result<Certificate> Certificate::from_handle(std::shared_ptr<x509_st> handle) {
  Bytes der = encode(i2d_X509, handle.get());
  const Bytes spki = encode(i2d_X509_PUBKEY, X509_get_X509_PUBKEY(handle.get()));
  auto key = PublicKey::from_spki(spki);
  if (!key) return fail(Code::CERTIFICATE, "", "a key on a NIST curve", "another");
  TRY_ASSIGN(const WallTime not_before, read_time(X509_get0_notBefore(handle.get())));
  TRY_ASSIGN(const WallTime not_after, read_time(X509_get0_notAfter(handle.get())));
  return Certificate(std::move(handle), std::move(der), std::move(key).value(), not_before, not_after);
}

Result<Certificate> Certificate::from_der(ByteView der) {
  if (der.size() > limits::kX509BytesMax) {
    return fail(Code::CERTIFICATE, "", "at most " + std::to_string(limits::kX509BytesMax) + " bytes",
                std::to_string(der.size()));
  }
  const unsigned char* at = der.data();
  auto handle = share(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (!handle || at != der.data() + der.size()) return fail(Code::CERTIFICATE, "", "one DER certificate", "other bytes");
  TRY_ASSIGN(Certificate result, from_handle(std::move(handle)));
  if (!equal(result.der_, der)) return fail(Code::CERTIFICATE, "", "canonical DER", "another encoding");
  return result;
}

Result<Certificate> Certificate::from_pem(std::string_view pem) {
  TRY_ASSIGN(auto all, all_from_pem(pem));
  return std::move(all.front());
}

Result<std::vector<Certificate>> Certificate::all_from_pem(std::string_view pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::vector<Certificate> all;
  while (X509* raw = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    auto handle = share(raw);
    if (all.size() == limits::kCertificatesMax) {
      return fail(Code::LIMIT, "certificates", std::to_string(limits::kCertificatesMax), "more");
    }
    TRY_ASSIGN(Certificate one, from_handle(std::move(handle)));
    all.push_back(std::move(one));
  }
  if (all.empty()) return fail(Code::PEM, "", "a PEM certificate", "other text");
  return all;
}

std::string Certificate::pem() const {
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), handle_.get());
  char* data = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(length)};
}

Bytes Certificate::subject() const { return encode(i2d_X509_NAME, X509_get_subject_name(handle_.get())); }
Bytes Certificate::issuer() const { return encode(i2d_X509_NAME, X509_get_issuer_name(handle_.get())); }

std::optional<std::string> Certificate::subject_text(std::string_view oid) const {
  const Object object(OBJ_txt2obj(std::string(oid).c_str(), 1));
  const X509_NAME* name = X509_get_subject_name(handle_.get());
  const int at = X509_NAME_get_index_by_OBJ(name, object.get(), -1);
  if (at < 0 || X509_NAME_get_index_by_OBJ(name, object.get(), at) >= 0) return {};
  const ASN1_STRING* value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
  unsigned char* text = nullptr;
  const int length = ASN1_STRING_to_UTF8(&text, value);
  if (length < 0) return {};
  std::string out(reinterpret_cast<const char*>(text), static_cast<std::size_t>(length));
  OPENSSL_free(text);
  return out;
}

Bytes Certificate::serial() const {
  const ASN1_INTEGER* serial = X509_get0_serialNumber(handle_.get());
  const unsigned char* data = ASN1_STRING_get0_data(serial);
  return {data, data + ASN1_STRING_length(serial)};
}

std::optional<Extension> Certificate::extension(std::string_view oid) const {
  const Object object(OBJ_txt2obj(std::string(oid).c_str(), 1));
  const int at = X509_get_ext_by_OBJ(handle_.get(), object.get(), -1);
  if (at < 0) return {};
  X509_EXTENSION* found = X509_get_ext(handle_.get(), at);
  const ASN1_OCTET_STRING* value = X509_EXTENSION_get_data(found);
  const unsigned char* data = ASN1_STRING_get0_data(value);
  return Extension{std::string(oid), X509_EXTENSION_get_critical(found) == 1, Bytes(data, data + ASN1_STRING_length(value))};
}

bool Certificate::signed_by(const PublicKey& issuer) const { return X509_verify(handle_.get(), issuer.handle()) == 1; }

Result<Certificate> issue(const CertificateFields& fields, const PublicKey& subject_key, const PrivateKey& issuer_key) {
  const Handle handle(X509_new());
  if (!handle) return fail(Code::INTERNAL, "X509_new");
  TRY(set_fields(handle.get(), fields, subject_key));
  if (X509_sign(handle.get(), issuer_key.handle(), hash_of(issuer_key.curve())) <= 0) {
    return fail(Code::INTERNAL, "X509_sign");
  }
  return Certificate::from_der(encode(i2d_X509, handle.get()));
}

Result<Csr> Csr::from_der(ByteView der) {
  if (der.size() > limits::kCsrBytesMax) {
    return fail(Code::CSR, "", "at most " + std::to_string(limits::kCsrBytesMax) + " bytes", std::to_string(der.size()));
  }
  const unsigned char* at = der.data();
  const Request request(d2i_X509_REQ(nullptr, &at, static_cast<long>(der.size())));
  if (!request || at != der.data() + der.size()) return fail(Code::CSR, "", "one DER certificate request", "other bytes");
  auto key = PublicKey::from_spki(encode(i2d_X509_PUBKEY, X509_REQ_get_X509_PUBKEY(request.get())));
  if (!key) return fail(Code::CSR, "", "a key on a NIST curve", "another");
  if (X509_REQ_verify(request.get(), key->handle()) != 1) return fail(Code::CSR_SIGNATURE);
  Bytes subject = encode(i2d_X509_NAME, X509_REQ_get_subject_name(request.get()));
  return Csr(to_bytes(der), std::move(key).value(), std::move(subject));
}

Result<Bytes> make_csr(const PrivateKey& key, ByteView subject) {
  TRY_ASSIGN(const NameHandle name, read_name(subject));
  const Request request(X509_REQ_new());
  if (!request || X509_REQ_set_version(request.get(), 0) != 1 ||
      X509_REQ_set_subject_name(request.get(), name.get()) != 1 ||
      X509_REQ_set_pubkey(request.get(), key.handle()) != 1 ||
      X509_REQ_sign(request.get(), key.handle(), hash_of(key.curve())) <= 0) {
    return fail(Code::INTERNAL, "certificate request");
  }
  return encode(i2d_X509_REQ, request.get());
}

}  // namespace cages::crypto
