// SPDX-License-Identifier: Apache-2.0
// Evidence and sessions that are somebody else's (design §5): documents and leaves relayed, kept, swapped.
#include "attacks/attack.h"
#include "attest/session.h"
#include "support/test_authority.h"

namespace cages::attacks {
namespace {

using attest::TlsEvidence;

constexpr std::int64_t kNow = 1'767'225'660;

policy::AdmittedPolicy any_code() {
  policy::AttestationPolicy rules;
  rules.any_pcrs = true;
  return policy::admit(rules).value();
}

crypto::PrivateKey key() { return crypto::PrivateKey::generate(crypto::Curve::p256).value(); }

// A cage: its keys, the document for its TLS key, and the leaf that carries it.
struct Cage {
  test::TestAuthority authority{kNow};
  crypto::PrivateKey tls = key();
  crypto::PrivateKey session = key();
  wire::DocumentClaims claims = authority.claims();
  std::int64_t leaf_not_after = kNow + 300;

  Cage() {
    claims.user_data = tls.public_key().spki();
    claims.public_key = wire::write_key_set({session.public_key().spki(), {}, {}}).value();
  }
  [[nodiscard]] Bytes leaf() const {
    crypto::CertificateFields fields;
    fields.serial = {1};
    fields.issuer = fields.subject = crypto::common_name("a cage").value();
    fields.not_before = from_unix_seconds(kNow - 10);
    fields.not_after = from_unix_seconds(leaf_not_after);
    fields.extensions = {attest::evidence_extension(authority.document(claims))};
    return crypto::issue(fields, tls.public_key(), tls).value().der();
  }
  [[nodiscard]] Result<TlsEvidence> evidence(ByteView der) const {
    const attest::TrustRoot root = authority.root();
    return attest::verify_tls_evidence(der, std::span(&root, 1), kNow, any_code());
  }
};

std::string with_cage(const std::function<void(Cage&)>& change) {
  Cage cage;
  change(cage);
  return class_of(cage.evidence(cage.leaf()));
}

// A session with a genuine cage, up to its answer.
struct Session {
  Cage cage;
  Bytes leaf = cage.leaf();
  TlsEvidence evidence = cage.evidence(leaf).value();
  wire::SessionFacts facts{"a.example", cage.claims.module_id, {1, 2, 3}, Bytes(32, 7),
                           crypto::sha384(cage.tls.public_key().spki())};

  [[nodiscard]] Bytes document() const { return to_bytes(attest::evidence_in(leaf).value()); }
  [[nodiscard]] wire::SessionAnswer answer(const wire::SessionFacts& for_facts) const {
    return attest::answer_session(cage.session, for_facts, document(), false).value();
  }
  [[nodiscard]] std::string check(const wire::SessionAnswer& answer) const {
    return class_of(attest::check_session(evidence, facts, answer, nullptr));
  }
  [[nodiscard]] std::string check_fresh(const wire::SessionAnswer& answer, std::vector<attest::TrustRoot> roots = {}) const {
    roots.push_back(cage.authority.root());
    const policy::AdmittedPolicy policy = any_code();
    const attest::FreshRules rules{roots, kNow, policy};
    return class_of(attest::check_session(evidence, facts, answer, &rules));
  }
};

// The answer to a session that differs in one thing from the client's.
std::string with_facts(const std::function<void(wire::SessionFacts&)>& change) {
  const Session session;
  wire::SessionFacts other = session.facts;
  change(other);
  return session.check(session.answer(other));
}

std::string fresh_of_another_enclave() {
  constexpr std::string_view kOther = "i-0f00dfeed00dfeed0-enc0f00dfeed00dfee0";
  const Session session;
  const test::TestAuthority other(kNow, [&](std::size_t place, crypto::CertificateFields& fields) {
    if (place == 4) fields.subject = crypto::common_name(std::string(kOther) + ".test.aws").value();
  });
  wire::DocumentClaims claims = session.cage.claims;
  claims.module_id = kOther;
  claims.nonce = to_bytes(attest::session_digest(session.facts).value());
  const auto answer = attest::answer_session(session.cage.session, session.facts, other.document(claims), true).value();
  return session.check_fresh(answer, {other.root()});
}

std::string fresh_of_another_session() {
  const Session session;
  wire::SessionFacts other = session.facts;
  other.exporter[0] ^= 1;
  wire::DocumentClaims claims = session.cage.claims;
  claims.nonce = to_bytes(attest::session_digest(other).value());
  const Bytes document = session.cage.authority.document(claims);
  return session.check_fresh(attest::answer_session(session.cage.session, session.facts, document, true).value());
}

std::vector<Attack> evidence() {
  return {
      {"document_of_another_key", "EVIDENCE_KEY", [] { return with_cage([](Cage& c) { c.claims.user_data = key().public_key().spki(); }); }},
      {"leaf_outlives_document", "EVIDENCE_LIFETIME", [] { return with_cage([](Cage& c) { c.leaf_not_after = kNow + 10801; }); }},
  };
}

std::vector<Attack> sessions() {
  return {
      {"relayed", "SESSION_SIGNATURE", [] { return with_facts([](auto& facts) { facts.exporter[0] ^= 1; }); }},
      {"replayed", "SESSION_SIGNATURE", [] { return with_facts([](auto& facts) { facts.nonce[0] ^= 1; }); }},
      {"of_another_host", "SESSION_SIGNATURE", [] { return with_facts([](auto& facts) { facts.host_name = "b.example"; }); }},
      {"of_another_cage", "SESSION_SIGNATURE", [] { return with_facts([](auto& facts) { facts.cage_id += "0"; }); }},
      {"with_another_certificate", "SESSION_SIGNATURE", [] { return with_facts([](auto& facts) { facts.spki_digest[0] ^= 1; }); }},
      {"signed_by_another", "SESSION_SIGNATURE",
       [] {
         const Session session;
         return session.check(attest::answer_session(key(), session.facts, session.document(), false).value());
       }},
      {"over_another_document", "SESSION_DOCUMENT",
       [] {
         const Session session;
         const Bytes other = session.cage.authority.document(session.cage.claims);
         return session.check(attest::answer_session(session.cage.session, session.facts, other, false).value());
       }},
      {"no_fresh_document", "SESSION_ANSWER", [] { const Session s; return s.check_fresh(s.answer(s.facts)); }},
      {"fresh_of_another_enclave", "SESSION_DOCUMENT", fresh_of_another_enclave},
      {"fresh_of_another_session", "NONCE", fresh_of_another_session},
  };
}

TEST_P(Attempt, IsRefusedByOneCheck) { EXPECT_EQ(GetParam().attempt(), GetParam().refused_as); }
INSTANTIATE_TEST_SUITE_P(Evidence, Attempt, testing::ValuesIn(evidence()), attack_name);
INSTANTIATE_TEST_SUITE_P(Session, Attempt, testing::ValuesIn(sessions()), attack_name);

}  // namespace
}  // namespace cages::attacks
