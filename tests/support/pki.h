// SPDX-License-Identifier: Apache-2.0
// Certificates for tests: an authority, leaves under it, valid around a moment. Not for product code.
#pragma once

#include <string>
#include <vector>

#include "crypto/certificate.h"
#include "tls/identity.h"

namespace cages::test {

struct Issued {
  crypto::Certificate certificate;
  crypto::PrivateKey key;
};

inline crypto::CertificateFields fields(std::string_view issuer, std::string_view subject, WallTime now, Byte serial) {
  return {.serial = {serial},
          .issuer = crypto::common_name(issuer).value(),
          .subject = crypto::common_name(subject).value(),
          .not_before = now - std::chrono::hours(1),
          .not_after = now + std::chrono::hours(24),
          .extensions = {}};
}

inline Issued authority(std::string_view name, WallTime now) {
  auto key = crypto::PrivateKey::generate(crypto::Curve::p256).value();
  auto wanted = fields(name, name, now, 1);
  wanted.extensions = {crypto::basic_constraints(true), crypto::key_usage({crypto::KeyUsage::key_cert_sign}),
                       crypto::subject_key_id(crypto::key_id(key.public_key()))};
  auto certificate = crypto::issue(wanted, key.public_key(), key).value();
  return {std::move(certificate), std::move(key)};
}

// A leaf for DNS names, good for servers and clients.
inline Issued leaf(const Issued& ca, std::string_view ca_name, const std::vector<std::string>& names, WallTime now,
                   std::vector<crypto::Extension> more = {}) {
  auto key = crypto::PrivateKey::generate(crypto::Curve::p256).value();
  auto wanted = fields(ca_name, names.front(), now, 2);
  const std::vector<std::string_view> uses{crypto::oid::kServerAuth, crypto::oid::kClientAuth};
  wanted.extensions = {crypto::basic_constraints(false), crypto::key_usage({crypto::KeyUsage::digital_signature}),
                       crypto::extended_key_usage(uses).value(), crypto::subject_alt_dns(names)};
  for (auto& extension : more) wanted.extensions.push_back(std::move(extension));
  auto certificate = crypto::issue(wanted, key.public_key(), ca.key).value();
  return {std::move(certificate), std::move(key)};
}

inline tls::Identity identity(const Issued& issued) {
  const std::vector<Bytes> chain{issued.certificate.der()};
  return tls::Identity::make(chain, issued.key).value();
}

}  // namespace cages::test
