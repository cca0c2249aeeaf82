// SPDX-License-Identifier: Apache-2.0
#include "attest/core/chain.h"

#include <algorithm>

#include "base/check.h"
#include "wire/der.h"

namespace cages::attest {
namespace {

constexpr std::size_t kP384Bytes = 48;

std::string place(std::size_t index, std::size_t leaf) {
  return index == leaf ? "certificate" : "cabundle[" + std::to_string(index) + "]";
}

Result<void> check_time(const wire::Certificate& certificate, const std::string& where, std::int64_t now) {
  if (!CAGES_CHECK("CERT_NOT_YET_VALID", now >= certificate.not_before)) {
    return fail(Code::CERT_NOT_YET_VALID, where, "from " + std::to_string(certificate.not_before), std::to_string(now));
  }
  if (!CAGES_CHECK("CERT_EXPIRED", now <= certificate.not_after)) {
    return fail(Code::CERT_EXPIRED, where, "until " + std::to_string(certificate.not_after), std::to_string(now));
  }
  return {};
}

Result<void> check_form(const wire::Certificate& certificate, const std::string& where, bool leaf) {
  if (!CAGES_CHECK("CERT_VERSION", certificate.version == 3)) {
    return fail(Code::CERT_VERSION, where, "3", std::to_string(certificate.version));
  }
  // RFC 5280 §4.2: a critical extension that is not understood refuses the certificate.
  if (!CAGES_CHECK("CERT_CRITICAL_EXTENSION", !certificate.unknown_critical)) {
    return fail(Code::CERT_CRITICAL_EXTENSION, where, "none that is unknown", wire::oid_text(*certificate.unknown_critical));
  }
  const bool p384 = certificate.key_type == wire::KeyType::p384;
  if (!leaf && !CAGES_CHECK("CHAIN_KEY_TYPE", p384)) return fail(Code::CHAIN_KEY_TYPE, where, "P-384", "another key");
  return {};
}

Result<void> check_issuer(const wire::Certificate& certificate, const std::string& where, std::size_t issuers_below) {
  const auto& constraints = certificate.basic_constraints;
  if (!CAGES_CHECK("BASIC_CONSTRAINTS", constraints && constraints->ca)) {
    return fail(Code::BASIC_CONSTRAINTS, where, "cA TRUE", constraints ? "FALSE" : "none");
  }
  // RFC 5280 §4.2.1.9
  const bool short_enough = !constraints || !constraints->path_length || issuers_below <= *constraints->path_length;
  if (!CAGES_CHECK("PATH_LENGTH", short_enough)) {
    return fail(Code::PATH_LENGTH, where, "at most " + std::to_string(*constraints->path_length),
                std::to_string(issuers_below));
  }
  // RFC 5280 §4.2.1.3
  if (!CAGES_CHECK("KEY_USAGE", (certificate.key_usage.value_or(0) & wire::key_usage::kKeyCertSign) != 0)) {
    return fail(Code::KEY_USAGE, where, "keyCertSign", certificate.key_usage ? "other usages" : "none");
  }
  return {};
}

Result<void> check_leaf(const wire::Certificate& leaf) {
  const bool plain = !leaf.basic_constraints || (!leaf.basic_constraints->ca && !leaf.basic_constraints->path_length);
  if (!CAGES_CHECK("LEAF_CONSTRAINTS", plain)) {
    return fail(Code::LEAF_CONSTRAINTS, "certificate", "no authority, no path length",
                leaf.basic_constraints->ca ? "cA TRUE" : "a path length");
  }
  const std::uint16_t usage = leaf.key_usage.value_or(0);
  if (!CAGES_CHECK("LEAF_KEY_USAGE", (usage & wire::key_usage::kDigitalSignature) != 0 &&
                                         (usage & wire::key_usage::kKeyCertSign) == 0)) {
    return fail(Code::LEAF_KEY_USAGE, "certificate", "digitalSignature, not keyCertSign",
                leaf.key_usage ? "other usages" : "none");
  }
  if (!CAGES_CHECK("LEAF_KEY_TYPE", leaf.key_type == wire::KeyType::p384)) {
    return fail(Code::LEAF_KEY_TYPE, "certificate", "P-384", "another key");
  }
  return {};
}

// The signature of `child` by `issuer`. One that is not even an ECDSA-Sig-Value comes out empty, which is bad.
Obligation signature_of(const wire::Certificate& child, const wire::Certificate& issuer, const std::string& where,
                        Code when_bad) {
  auto raw = wire::parse_ecdsa_signature(child.signature, kP384Bytes);
  return Obligation{when_bad, where, issuer.key_type, to_bytes(issuer.point), to_bytes(child.tbs),
                    raw ? std::move(*raw) : Bytes()};
}

// The links: each certificate names the one before it as its issuer, and owes that one's signature. Stops at the first that
// names another.
Result<void> walk_links(std::span<const wire::Certificate> chain, Walked& into) {
  const std::size_t leaf = chain.size() - 1;
  for (std::size_t i = 1; i <= leaf; ++i) {
    const wire::Certificate& certificate = chain[i];
    const wire::Certificate& issuer = chain[i - 1];
    const std::string where = place(i, leaf);
    if (!CAGES_CHECK("CHAIN_SIGNATURE_ALGORITHM",
                     certificate.signature_algorithm == wire::SignatureAlgorithm::ecdsa_sha384)) {
      return fail(Code::CHAIN_SIGNATURE_ALGORITHM, where, "ecdsa-with-SHA384", "another");
    }
    const bool named = equal(certificate.issuer, issuer.subject);
    into.obligations.push_back(signature_of(certificate, issuer, where, named ? Code::CHAIN_SIGNATURE : Code::CHAIN));
    if (!CAGES_CHECK("CHAIN_NAME", named)) {
      // Refused either way. If the issuer did sign it, it is a certificate under a wrong name; else one in a wrong place.
      into.refusal = Error(Code::CHAIN_NAME, where, "the subject of " + place(i - 1, leaf), "another issuer");
      return {};
    }
  }
  return {};
}

Result<void> check_certificates(std::span<const wire::Certificate> chain, std::int64_t now) {
  const std::size_t leaf = chain.size() - 1;
  for (std::size_t i = 0; i <= leaf; ++i) {
    const std::string where = place(i, leaf);
    TRY(check_form(chain[i], where, i == leaf));
    if (i < leaf) TRY(check_issuer(chain[i], where, leaf - 1 - i));
    TRY(check_time(chain[i], where, now));
  }
  return check_leaf(chain[leaf]);
}

}  // namespace

Result<Walked> walk_chain(std::span<const wire::Certificate> chain, std::int64_t now) {
  if (chain.size() < 2) return fail(Code::CHAIN, "", "a root and a leaf", std::to_string(chain.size()));
  Walked result;
  TRY(walk_links(chain, result));
  if (result.refusal) return result;
  if (auto checked = check_certificates(chain, now); !checked) {
    // A certificate in a wrong place is told by its signature first (only where the check of names is forced to pass).
    const bool placed = std::ranges::none_of(result.obligations, [](const Obligation& o) { return o.when_bad == Code::CHAIN; });
    if (placed) return fail(std::move(checked).error());
    result.refusal = std::move(checked).error();
  }
  return result;
}

}  // namespace cages::attest
