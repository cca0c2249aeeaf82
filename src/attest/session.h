// SPDX-License-Identifier: Apache-2.0
// The proof that a TLS session ends inside the attested enclave (design §5): signed by the server, checked by the client, each
// over what its own TLS state says. The messages are wire/session.h's.
#pragma once

#include <span>

#include "attest/evidence.h"
#include "base/result.h"
#include "crypto/hash.h"
#include "crypto/key.h"
#include "wire/session.h"

namespace cages::attest {

// session_digest returns T. LIMIT where a part is too long to be hashed.
Result<crypto::Digest384> session_digest(const wire::SessionFacts& facts);

// answer_session makes the answer to a request: `document` is the one in the certificate, or, where `fresh`, a new one whose
// nonce is session_digest(facts), with the same user_data and public_key. Never signs anything that the client chose but the
// nonce: the rest of `facts` comes from the server's own TLS state.
Result<wire::SessionAnswer> answer_session(const crypto::PrivateKey& session_key, const wire::SessionFacts& facts,
                                           ByteView document, bool fresh);

// How a client judges fresh documents: as it judged the certificate's.
struct FreshRules {
  std::span<const TrustRoot> roots;
  std::int64_t now = 0;
  const policy::AdmittedPolicy& policy;
};

// check_session accepts an answer for `facts` (taken from the client's own TLS state) under the evidence of this connection.
// With `fresh`, the answer has to carry a new document. SESSION_ANSWER, SESSION_DOCUMENT, SESSION_SIGNATURE, or what refuses
// the fresh document.
Result<void> check_session(const TlsEvidence& evidence, const wire::SessionFacts& facts, const wire::SessionAnswer& answer,
                           const FreshRules* fresh);

}  // namespace cages::attest
