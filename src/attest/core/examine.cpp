// SPDX-License-Identifier: Apache-2.0
#include "attest/core/examine.h"

#include <algorithm>

#include "base/check.h"
#include "base/limits.h"
#include "wire/cose.h"
#include "wire/x509.h"

namespace cages::attest {
namespace {

Result<wire::Certificate> parse_at(ByteView der, const std::string& where) {
  auto parsed = wire::parse_certificate(der);
  if (parsed) return parsed;
  Error error = std::move(parsed).error();
  error.subject = where + " " + error.subject;
  return fail(std::move(error));
}

Result<std::vector<wire::Certificate>> parse_chain(const wire::UnverifiedDocument& document) {
  std::vector<wire::Certificate> chain;
  for (std::size_t i = 0; i < document.cabundle.size(); ++i) {
    TRY_ASSIGN(wire::Certificate issuer, parse_at(document.cabundle[i], "cabundle[" + std::to_string(i) + "]"));
    chain.push_back(std::move(issuer));
  }
  TRY_ASSIGN(wire::Certificate leaf, parse_at(document.certificate, "certificate"));
  chain.push_back(std::move(leaf));
  return chain;
}

// Pinned by its bytes. A self-issued certificate in the first place is another root; any other means that the root is missing.
Result<std::size_t> find_root(const wire::UnverifiedDocument& document, const wire::Certificate& first,
                              std::span<const ByteView> roots) {
  const auto found = std::ranges::find_if(roots, [&](ByteView root) {
    return !document.cabundle.empty() && equal(root, document.cabundle.front());
  });
  const bool pinned = found != roots.end();
  const bool self_issued = equal(first.issuer, first.subject);
  if (!CAGES_CHECK("UNTRUSTED_ROOT", pinned || !self_issued)) {
    return fail(Code::UNTRUSTED_ROOT, "cabundle[0]", "a root that is trusted here", "another root");
  }
  if (!CAGES_CHECK("CABUNDLE_ROOT", pinned || self_issued)) {
    return fail(Code::CABUNDLE_ROOT, "cabundle[0]", "a root that is trusted here", "an issuer below a root");
  }
  return pinned ? static_cast<std::size_t>(found - roots.begin()) : 0;
}

// nitro.md §3.1, §3.3: the leaf's CN is `<module_id>.<region>.aws`, so a certificate of one enclave cannot serve another's id.
Result<void> check_module_id(const std::string& module_id, const wire::Certificate& leaf) {
  TRY_ASSIGN(const std::optional<std::string> name, wire::common_name(leaf.subject));
  if (CAGES_CHECK("MODULE_ID", name && name->starts_with(module_id + "."))) return {};
  return fail(Code::MODULE_ID, "certificate", "CN " + printable(module_id) + ".…", name ? printable(*name) : "none");
}

wire::CoseAlgorithm algorithm_of(wire::KeyType type) {
  switch (type) {
    case wire::KeyType::p256: return wire::CoseAlgorithm::es256;
    case wire::KeyType::p521: return wire::CoseAlgorithm::es512;
    case wire::KeyType::p384:
    case wire::KeyType::other: break;
  }
  return wire::CoseAlgorithm::es384;
}

}  // namespace

Result<Examined> examine(ByteView document, std::span<const ByteView> roots, std::int64_t now) {
  // nitro.md §3.4 steps 1 and 2
  if (!CAGES_CHECK("DOCUMENT_LENGTH", document.size() <= limits::kDocumentBytesMax)) {
    return fail(Code::DOCUMENT_LENGTH, "", "at most " + std::to_string(limits::kDocumentBytesMax), std::to_string(document.size()));
  }
  TRY_ASSIGN(const wire::CoseSign1 cose, wire::parse_cose_sign1(document));
  // Steps 3 to 5
  Examined result;
  TRY_ASSIGN(result.document, wire::parse_payload(cose.payload));
  TRY(wire::require_empty_unprotected(cose));
  // Step 6
  TRY_ASSIGN(const std::vector<wire::Certificate> chain, parse_chain(result.document));
  const wire::Certificate& leaf = chain.back();
  TRY_ASSIGN(result.root, find_root(result.document, chain.front(), roots));
  TRY_ASSIGN(Walked walked, walk_chain(chain, now));
  result.obligations = std::move(walked.obligations);
  result.refusal = std::move(walked.refusal);
  if (result.refusal) return result;
  TRY(check_module_id(result.document.claims.module_id, leaf));
  result.leaf_not_before = leaf.not_before;
  result.leaf_not_after = leaf.not_after;
  // Step 7
  if (!CAGES_CHECK("COSE_ALG", cose.algorithm == algorithm_of(leaf.key_type))) {
    return fail(Code::COSE_ALG, "", "the leaf key's algorithm", std::to_string(static_cast<int>(cose.algorithm)));
  }
  result.obligations.push_back(Obligation{Code::COSE_SIGNATURE, "document", leaf.key_type, to_bytes(leaf.point),
                                          wire::cose_to_be_signed(cose.protected_header, cose.payload),
                                          to_bytes(cose.signature)});
  return result;
}

}  // namespace cages::attest
