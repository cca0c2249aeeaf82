// SPDX-License-Identifier: Apache-2.0
// X.509 certificates and certificate requests on EC keys: make, sign, read, write (RFC 5280, RFC 2986). For every part that
// issues or carries certificates. Not for deciding whom to trust: crypto/chain.h and attest/ do that.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/result.h"
#include "crypto/key.h"

struct x509_st;

namespace cages::crypto {

namespace oid {
inline constexpr std::string_view kCountry = "2.5.4.6";
inline constexpr std::string_view kState = "2.5.4.8";
inline constexpr std::string_view kLocality = "2.5.4.7";
inline constexpr std::string_view kOrganisation = "2.5.4.10";
inline constexpr std::string_view kUnit = "2.5.4.11";
inline constexpr std::string_view kCommonName = "2.5.4.3";
inline constexpr std::string_view kSubjectKeyId = "2.5.29.14";
inline constexpr std::string_view kKeyUsage = "2.5.29.15";
inline constexpr std::string_view kSubjectAltName = "2.5.29.17";
inline constexpr std::string_view kBasicConstraints = "2.5.29.19";
inline constexpr std::string_view kNameConstraints = "2.5.29.30";
inline constexpr std::string_view kAuthorityKeyId = "2.5.29.35";
inline constexpr std::string_view kExtendedKeyUsage = "2.5.29.37";
inline constexpr std::string_view kServerAuth = "1.3.6.1.5.5.7.3.1";
inline constexpr std::string_view kClientAuth = "1.3.6.1.5.5.7.3.2";
}  // namespace oid

// encode_oid encodes a dotted object identifier with its tag, arcs of any size (2.25.<UUID> included); INTERNAL where it is no
// object identifier.
Result<Bytes> encode_oid(std::string_view dotted);

// One relative distinguished name of one attribute; a Name is a list of them in order.
struct NameAttribute {
  std::string_view oid;
  std::string_view value;  // UTF-8
};
// encode_name returns the DER Name: UTF8String values, PrintableString for the country. INTERNAL where a value does not fit.
Result<Bytes> encode_name(std::span<const NameAttribute> attributes);
// common_name: a Name of one CN.
Result<Bytes> common_name(std::string_view value);

struct Extension {
  std::string oid;
  bool critical = false;
  Bytes value;  // DER, what the extension's OCTET STRING holds
};

// KeyUsage bits by their number in RFC 5280 §4.2.1.3.
enum class KeyUsage : std::uint8_t { digital_signature = 0, non_repudiation = 1, key_cert_sign = 5, crl_sign = 6 };

// The extensions that we issue. critical as RFC 5280 asks unless told otherwise.
Extension basic_constraints(bool ca, std::optional<unsigned> path_len = {}, bool critical = true);
Extension key_usage(std::span<const KeyUsage> bits, bool critical = true);
Extension key_usage(std::initializer_list<KeyUsage> bits, bool critical = true);
Result<Extension> extended_key_usage(std::span<const std::string_view> oids, bool critical = false);
Extension subject_alt_dns(std::span<const std::string> names);
// name_constraints permits the DNS names given (each, and by RFC 5280 what is below it) and excludes every IP address, mailbox
// and URI. Critical.
Extension name_constraints(std::span<const std::string> dns_names);
Extension subject_key_id(ByteView id);
Extension authority_key_id(ByteView id);
// key_id: the leftmost 160 bits of SHA-256 over the public point (RFC 7093 §2, method 1).
Bytes key_id(const PublicKey& key);

// What is signed, but for the key.
struct CertificateFields {
  Bytes serial;      // 1..20 bytes, unsigned big endian, not zero
  Bytes issuer;      // DER Name
  Bytes subject;     // DER Name
  WallTime not_before;
  WallTime not_after;
  std::vector<Extension> extensions;
};

class Certificate {
 public:
  // from_der reads exactly one certificate of at most kX509BytesMax bytes on a NIST-curve key; CERTIFICATE else.
  static Result<Certificate> from_der(ByteView der);
  // from_pem reads the first CERTIFICATE block; PEM else.
  static Result<Certificate> from_pem(std::string_view pem);
  // all_from_pem reads every CERTIFICATE block in order, at least one and at most kCertificatesMax.
  static Result<std::vector<Certificate>> all_from_pem(std::string_view pem);

  [[nodiscard]] const Bytes& der() const { return der_; }
  [[nodiscard]] std::string pem() const;
  [[nodiscard]] const PublicKey& public_key() const { return key_; }
  [[nodiscard]] Bytes subject() const;  // DER Name
  [[nodiscard]] Bytes issuer() const;   // DER Name
  // subject_text returns the value of the subject's only attribute of this OID; nothing where there is none or several.
  [[nodiscard]] std::optional<std::string> subject_text(std::string_view oid = oid::kCommonName) const;
  [[nodiscard]] Bytes serial() const;
  [[nodiscard]] WallTime not_before() const { return not_before_; }
  [[nodiscard]] WallTime not_after() const { return not_after_; }
  // extension returns the extension of this OID: its critical bit and value.
  [[nodiscard]] std::optional<Extension> extension(std::string_view oid) const;
  // signed_by: the signature is `issuer`'s. Says nothing of names, times or rights.
  [[nodiscard]] bool signed_by(const PublicKey& issuer) const;
  [[nodiscard]] x509_st* handle() const { return handle_.get(); }

 private:
  Certificate(std::shared_ptr<x509_st> handle, Bytes der, PublicKey key, WallTime not_before, WallTime not_after)
      : handle_(std::move(handle)), der_(std::move(der)), key_(std::move(key)), not_before_(not_before),
        not_after_(not_after) {}
  static Result<Certificate> from_handle(std::shared_ptr<x509_st> handle);
  std::shared_ptr<x509_st> handle_;
  Bytes der_;
  PublicKey key_;
  WallTime not_before_;
  WallTime not_after_;
};

// issue signs a version 3 certificate for `subject_key` with ECDSA over the hash of the issuer key's curve. Self-signed where
// `issuer_key` is the subject's own and both names are equal. INTERNAL where a field cannot be encoded.
Result<Certificate> issue(const CertificateFields& fields, const PublicKey& subject_key, const PrivateKey& issuer_key);

// A certificate request whose own signature was found good: it proves possession of the key, nothing else.
class Csr {
 public:
  // untrusted: from_der reads exactly one PKCS#10 request of at most kCsrBytesMax bytes; CSR where it is not one, CSR_SIGNATURE
  // where it is not signed by its own key.
  static Result<Csr> from_der(ByteView der);
  [[nodiscard]] const Bytes& der() const { return der_; }
  [[nodiscard]] const PublicKey& public_key() const { return key_; }
  [[nodiscard]] const Bytes& subject() const { return subject_; }

 private:
  Csr(Bytes der, PublicKey key, Bytes subject)
      : der_(std::move(der)), key_(std::move(key)), subject_(std::move(subject)) {}
  Bytes der_;
  PublicKey key_;
  Bytes subject_;
};

// make_csr returns the DER of a request for `key` under `subject` (DER Name), without attributes.
Result<Bytes> make_csr(const PrivateKey& key, ByteView subject);

}  // namespace cages::crypto
