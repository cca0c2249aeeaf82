// SPDX-License-Identifier: Apache-2.0
#include "runtime/boot/leaf.h"

#include <algorithm>
#include <array>

#include "attest/evidence.h"
#include "base/limits.h"
#include "runtime/boot/document.h"

namespace cages::runtime {
namespace {

Result<OwnDocument> document_for(attest::Nsm& nsm, const Keys& keys) {
  TRY_ASSIGN(Bytes key_set, wire::write_key_set(keys.public_set()));
  wire::NsmAttestationRequest request;
  request.user_data = keys.tls.public_key().spki();
  request.public_key = std::move(key_set);
  return ask_document(nsm, request);
}

Bytes serial(crypto::Random& random) {
  auto bytes = random.array<16>();
  bytes[0] = static_cast<Byte>((bytes[0] & 0x7f) | 0x40);  // positive and never zero
  return Bytes(bytes.begin(), bytes.end());
}

}  // namespace

Result<Leaf> issue_leaf(attest::Nsm& nsm, const Keys& keys, const Granted& granted, TrustedClock& clock,
                        crypto::Random& random) {
  TRY_ASSIGN(const OwnDocument document, document_for(nsm, keys));
  clock.set_from_nsm(document.time);
  const crypto::Certificate& issuer = granted.chain().front();
  const WallTime not_after = std::min(document.leaf_not_after, issuer.not_after());
  TRY_ASSIGN(Bytes subject, crypto::common_name("cage"));
  constexpr std::array kUse{crypto::oid::kServerAuth};
  TRY_ASSIGN(crypto::Extension use, crypto::extended_key_usage(kUse));
  const crypto::CertificateFields fields{
      .serial = serial(random),
      .issuer = issuer.subject(),
      .subject = std::move(subject),
      .not_before = std::max(issuer.not_before(), clock.wall() - limits::kLeafBackdate),
      .not_after = not_after,
      .extensions = {
          crypto::basic_constraints(false), crypto::key_usage({crypto::KeyUsage::digital_signature}), std::move(use),
          crypto::subject_alt_dns(granted.names()), crypto::subject_key_id(crypto::key_id(keys.tls.public_key())),
          crypto::authority_key_id(crypto::key_id(keys.ca.public_key())), attest::evidence_extension(document.bytes)}};
  TRY_ASSIGN(const crypto::Certificate leaf, crypto::issue(fields, keys.tls.public_key(), keys.ca));
  std::vector<Bytes> chain{leaf.der()};
  for (std::size_t i = 0; i + 1 < granted.chain().size(); ++i) chain.push_back(granted.chain()[i].der());
  return Leaf{std::move(chain), not_after};
}

}  // namespace cages::runtime
