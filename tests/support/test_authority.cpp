// SPDX-License-Identifier: Apache-2.0
#include "support/test_authority.h"

#include "wire/cose.h"

namespace cages::test {
namespace {

constexpr std::string_view kModule = "i-0f00dfeed00dfeed0-enc0f00dfeed00dfeed";
constexpr std::string_view kNames[kChain] = {"test.nitro-enclaves", "regional.test.nitro-enclaves", "zonal.test.nitro-enclaves",
                                             "i-0f00dfeed00dfeed0.test.nitro-enclaves",
                                             "i-0f00dfeed00dfeed0-enc0f00dfeed00dfeed.test.aws"};

Pcr pcr(Byte value) {
  Pcr result;
  result.fill(value);
  return result;
}

}  // namespace

TestAuthority::TestAuthority(std::int64_t now, const Change& change, crypto::Curve leaf_curve) : now_(now) {
  using crypto::KeyUsage;
  for (std::size_t i = 0; i < kChain; ++i) {
    const bool leaf = i == kChain - 1;
    keys_.push_back(crypto::PrivateKey::generate(leaf ? leaf_curve : crypto::Curve::p384).value());
    crypto::CertificateFields fields;
    fields.serial = {static_cast<Byte>(i + 1)};
    fields.issuer = crypto::common_name(kNames[i == 0 ? 0 : i - 1]).value();
    fields.subject = crypto::common_name(kNames[i]).value();
    fields.not_before = from_unix_seconds(now - (leaf ? 3 : 3600));
    fields.not_after = from_unix_seconds(now + (leaf ? 10800 : 86400));
    if (leaf) {
      fields.extensions = {crypto::basic_constraints(false),
                           crypto::key_usage({KeyUsage::digital_signature, KeyUsage::non_repudiation}, false)};
    } else {
      const auto path = i == 0 ? std::optional<unsigned>() : std::optional<unsigned>(3 - i);
      fields.extensions = {crypto::basic_constraints(true, path), crypto::key_usage({KeyUsage::key_cert_sign})};
    }
    if (change) change(i, fields);
    certificates_.push_back(crypto::issue(fields, keys_[i].public_key(), keys_[i == 0 ? 0 : i - 1]).value().der());
  }
}

attest::TrustRoot TestAuthority::root() const { return attest::TrustRoot::development(certificates_.front()).value(); }

wire::DocumentClaims TestAuthority::claims() const {
  wire::DocumentClaims claims;
  claims.module_id = kModule;
  claims.timestamp_ms = static_cast<std::uint64_t>(now_) * 1000;
  claims.pcrs = {{0, pcr(1)}, {1, pcr(2)}, {2, pcr(3)}, {3, Pcr{}}, {4, pcr(5)}, {8, pcr(9)}};
  return claims;
}

wire::UnverifiedDocument TestAuthority::unsigned_document(const wire::DocumentClaims& claims) const {
  wire::UnverifiedDocument document;
  document.claims = claims;
  document.certificate = certificates_.back();
  document.cabundle.assign(certificates_.begin(), certificates_.end() - 1);
  return document;
}

Bytes TestAuthority::document(const wire::DocumentClaims& claims) const {
  return sign(wire::write_payload(unsigned_document(claims)));
}

Bytes TestAuthority::sign(ByteView payload) const {
  const auto algorithm =
      keys_.back().curve() == crypto::Curve::p256 ? wire::CoseAlgorithm::es256 : wire::CoseAlgorithm::es384;
  const Bytes message = wire::cose_to_be_signed(wire::cose_protected_header(algorithm), payload);
  return wire::write_cose_sign1(algorithm, payload, keys_.back().sign(message).value());
}

}  // namespace cages::test
