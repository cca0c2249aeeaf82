// SPDX-License-Identifier: Apache-2.0
#include "attest/session.h"

#include <algorithm>

#include "base/check.h"

namespace cages::attest {
namespace {

// A new document by the same enclave for the same keys, whose nonce is this session's transcript.
Result<void> check_fresh(const TlsEvidence& evidence, const crypto::Digest384& transcript, ByteView document,
                         const FreshRules& rules) {
  policy::AttestationPolicy bound = rules.policy.rules();
  bound.nonce = to_bytes(transcript);
  bound.user_data = evidence.spki();
  bound.public_key = evidence.verified().claims().public_key;
  TRY_ASSIGN(const policy::AdmittedPolicy policy, policy::admit(std::move(bound)));
  TRY_ASSIGN(const Verified verified, verify(document, rules.roots, rules.now, policy));
  const std::string& module_id = evidence.verified().claims().module_id;
  if (CAGES_CHECK("SESSION_MODULE", verified.claims().module_id == module_id)) return {};
  return fail(Code::SESSION_DOCUMENT, "module_id", printable(module_id), printable(verified.claims().module_id));
}

}  // namespace

Result<crypto::Digest384> session_digest(const wire::SessionFacts& facts) {
  TRY_ASSIGN(const Bytes transcript, wire::session_transcript(facts));
  return crypto::sha384(transcript);
}

Result<wire::SessionAnswer> answer_session(const crypto::PrivateKey& session_key, const wire::SessionFacts& facts,
                                           ByteView document, bool fresh) {
  TRY_ASSIGN(const crypto::Digest384 transcript, session_digest(facts));
  wire::SessionAnswer answer;
  answer.document_digest = crypto::sha384(document);
  TRY_ASSIGN(const Bytes signature, session_key.sign(wire::session_to_be_signed(transcript, answer.document_digest)));
  if (signature.size() != answer.signature.size()) {
    return fail(Code::INTERNAL, "session key", "P-256", std::to_string(signature.size()) + " byte signatures");
  }
  std::ranges::copy(signature, answer.signature.begin());
  if (fresh) answer.document = to_bytes(document);
  return answer;
}

Result<void> check_session(const TlsEvidence& evidence, const wire::SessionFacts& facts, const wire::SessionAnswer& answer,
                           const FreshRules* fresh) {
  TRY_ASSIGN(const crypto::Digest384 transcript, session_digest(facts));
  if (!CAGES_CHECK("SESSION_FRESH", answer.document.has_value() == (fresh != nullptr))) {
    return fail(Code::SESSION_ANSWER, "document", fresh != nullptr ? "a fresh one" : "none", "the contrary");
  }
  if (fresh != nullptr && answer.document) TRY(check_fresh(evidence, transcript, *answer.document, *fresh));
  const crypto::Digest384 document =
      answer.document ? crypto::sha384(*answer.document) : evidence.verified().document_digest();
  if (!CAGES_CHECK("SESSION_DOCUMENT", equal_constant_time(answer.document_digest, document))) {
    return fail(Code::SESSION_DOCUMENT, "", hex(document), hex(answer.document_digest));
  }
  const auto key = crypto::PublicKey::from_spki(evidence.keys().session_spki);
  const bool good = key && key->curve() == crypto::Curve::p256 &&
                    key->verify(wire::session_to_be_signed(transcript, answer.document_digest), answer.signature);
  if (!CAGES_CHECK("SESSION_SIGNATURE", good)) {
    return fail(Code::SESSION_SIGNATURE, "", "the signature of S over this session", "another");
  }
  return {};
}

}  // namespace cages::attest
