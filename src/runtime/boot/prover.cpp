// SPDX-License-Identifier: Apache-2.0
#include "runtime/boot/prover.h"

#include "attest/evidence.h"
#include "attest/session.h"
#include "base/limits.h"
#include "base/text.h"
#include "wire/runtime_key_set.h"

namespace cages::runtime {

Result<Bytes> Prover::fresh_document(ByteView nonce) {
  if (!fresh_.take(clock_.monotonic())) return fail(Code::HTTP_OVERLOAD, "fresh documents", "fewer a second", "too many");
  TRY_ASSIGN(Bytes key_set, wire::write_key_set(keys_.public_set()));
  wire::NsmAttestationRequest request;
  request.user_data = keys_.tls.public_key().spki();
  request.nonce = to_bytes(nonce);
  request.public_key = std::move(key_set);
  return nsm_.attestation(request);
}

Result<Bytes> Prover::document(const tls::TlsStream& session) const {
  const Bytes leaf = session.own_leaf();
  TRY_ASSIGN(const ByteView evidence, attest::evidence_in(leaf));
  return to_bytes(evidence);
}

Result<Bytes> Prover::answer(ByteView request, const tls::TlsStream& session) {
  TRY_ASSIGN(const wire::SessionRequest asked, wire::parse_session_request(request));
  wire::SessionFacts facts;
  facts.host_name = ascii_lower(session.server_name());
  facts.cage_id = cage_id_;
  facts.nonce = asked.nonce;
  TRY_ASSIGN(facts.exporter, session.exporter(wire::kSessionExporterLabel, asked.nonce, wire::kSessionExporterBytes));
  facts.spki_digest = crypto::sha384(keys_.tls.public_key().spki());
  Bytes spoken_for;
  if (asked.fresh) {
    TRY_ASSIGN(const crypto::Digest384 transcript, attest::session_digest(facts));
    TRY_ASSIGN(spoken_for, fresh_document(transcript));
  } else {
    TRY_ASSIGN(spoken_for, document(session));
  }
  TRY_ASSIGN(const wire::SessionAnswer answer, attest::answer_session(keys_.session, facts, spoken_for, asked.fresh));
  return wire::write_session_answer(answer);
}

}  // namespace cages::runtime
