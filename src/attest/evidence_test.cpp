// SPDX-License-Identifier: Apache-2.0
#include "attest/evidence.h"

#include <gtest/gtest.h>

#include "attest/session.h"
#include "support/test_authority.h"

namespace cages::attest {
namespace {

constexpr std::int64_t kNow = 1'767'225'660;

policy::AdmittedPolicy any_code() {
  policy::AttestationPolicy rules;
  rules.any_pcrs = true;
  return policy::admit(rules).value();
}

Bytes token_user_data() { return to_bytes("eyJhbGciOiJFUzI1NiJ9.e30.AAAA"); }

// A runtime with its keys, the document for its TLS key, and the leaf that carries it; each test changes one thing.
struct Runtime {
  test::TestAuthority authority{kNow};
  crypto::PrivateKey tls = crypto::PrivateKey::generate(crypto::Curve::p256).value();
  crypto::PrivateKey session = crypto::PrivateKey::generate(crypto::Curve::p256).value();
  wire::DocumentClaims claims = authority.claims();
  std::int64_t leaf_not_after = kNow + 300;

  Runtime() {
    claims.user_data = tls.public_key().spki();
    claims.public_key = wire::write_key_set({session.public_key().spki(), {}, {}}).value();
  }
  [[nodiscard]] Bytes document() const { return authority.document(claims); }
  [[nodiscard]] Bytes leaf(const std::vector<crypto::Extension>& extensions) const {
    crypto::CertificateFields fields;
    fields.serial = {1};
    fields.issuer = fields.subject = crypto::common_name("a cage").value();
    fields.not_before = from_unix_seconds(kNow - 10);
    fields.not_after = from_unix_seconds(leaf_not_after);
    fields.extensions = extensions;
    return crypto::issue(fields, tls.public_key(), tls).value().der();
  }
  [[nodiscard]] Bytes leaf() const { return leaf({evidence_extension(document())}); }
  [[nodiscard]] Result<TlsEvidence> evidence(ByteView der, std::int64_t now = kNow) const {
    const TrustRoot roots[] = {authority.root()};
    return verify_tls_evidence(der, roots, now, any_code());
  }
  [[nodiscard]] std::string verdict(ByteView der) const {
    const auto result = evidence(der);
    return result ? "" : error_class(result.error());
  }
};

TEST(Evidence, IsCarriedInALeaf) {
  const Runtime runtime;
  const Bytes leaf = runtime.leaf();
  const TlsEvidence evidence = runtime.evidence(leaf).value();
  EXPECT_EQ(evidence.verified().document_digest(), crypto::sha384(evidence_in(leaf).value()));
  EXPECT_EQ(evidence.spki(), runtime.tls.public_key().spki());
  EXPECT_EQ(evidence.keys().session_spki, runtime.session.public_key().spki());
  EXPECT_EQ(evidence.verified().claims().module_id, runtime.claims.module_id);
}

TEST(Evidence, HasToBeThereInItsForm) {
  const Runtime runtime;
  EXPECT_EQ(runtime.verdict(runtime.leaf({})), "NO_EVIDENCE");
  crypto::Extension extension = evidence_extension(runtime.document());
  extension.critical = true;
  EXPECT_EQ(runtime.verdict(runtime.leaf({extension})), "EVIDENCE_FORM");
  extension.critical = false;
  extension.value.push_back(0);
  EXPECT_EQ(runtime.verdict(runtime.leaf({extension})), "EVIDENCE_FORM");
  extension.value = runtime.document();
  EXPECT_EQ(runtime.verdict(runtime.leaf({extension})), "EVIDENCE_FORM");
  EXPECT_EQ(runtime.verdict(Bytes{0x30}), "CERTIFICATE_PARSE");
}

TEST(Evidence, IsForThisKeyAndNoOther) {
  Runtime runtime;
  runtime.claims.user_data = Runtime().tls.public_key().spki();
  EXPECT_EQ(runtime.verdict(runtime.leaf()), "EVIDENCE_KEY");
  runtime.claims.user_data = runtime.tls.public_key().spki();
  runtime.claims.user_data->pop_back();
  EXPECT_EQ(runtime.verdict(runtime.leaf()), "EVIDENCE_KEY");
}

TEST(Evidence, OutlivesTheLeaf) {
  Runtime runtime;
  runtime.leaf_not_after = kNow + 10800;
  EXPECT_EQ(runtime.verdict(runtime.leaf()), "");
  runtime.leaf_not_after = kNow + 10801;
  EXPECT_EQ(runtime.verdict(runtime.leaf()), "EVIDENCE_LIFETIME");
}

TEST(Evidence, NamesTheRuntimesKeys) {
  Runtime runtime;
  runtime.claims.public_key = Bytes{1};
  EXPECT_EQ(runtime.verdict(runtime.leaf()), "KEY_SET");
  runtime.claims.public_key.reset();
  EXPECT_EQ(runtime.verdict(runtime.leaf()), "KEY_SET");
}

TEST(Evidence, IsJudgedByTheVerifier) {
  const Runtime runtime;
  EXPECT_EQ(error_class(runtime.evidence(runtime.leaf(), kNow + 901).error()), "TIMESTAMP_OLD");
  const TrustRoot roots[] = {production_root()};
  EXPECT_EQ(error_class(verify_tls_evidence(runtime.leaf(), roots, kNow, any_code()).error()), "UNTRUSTED_ROOT");
}

// Every kind of document at the place of every other.
TEST(Purpose, NoneIsTakenForAnother) {
  Runtime runtime;
  const std::pair<Purpose, Bytes> made[] = {{Purpose::tls, runtime.tls.public_key().spki()},
                                            {Purpose::provisioning, token_user_data()},
                                            {Purpose::app, app_user_data(runtime.tls.public_key().spki()).value()},
                                            {Purpose::app, app_user_data({}).value()}};
  const TrustRoot roots[] = {runtime.authority.root()};
  for (const auto& [purpose, user_data] : made) {
    wire::DocumentClaims claims = runtime.claims;
    claims.user_data = user_data;
    const Verified verified = verify(runtime.authority.document(claims), roots, kNow, any_code()).value();
    for (const Purpose wanted : {Purpose::tls, Purpose::provisioning, Purpose::app}) {
      EXPECT_EQ(require_purpose(verified.claims().user_data, wanted).has_value(), wanted == purpose);
    }
    runtime.claims.user_data = user_data;
    EXPECT_EQ(runtime.verdict(runtime.leaf()), purpose == Purpose::tls ? "" : "PURPOSE");
  }
  for (const std::optional<Bytes>& other : {std::optional<Bytes>(), std::optional<Bytes>(Bytes{}), std::optional<Bytes>(Bytes{1}),
                                            std::optional<Bytes>(to_bytes("cage-app/1")), std::optional<Bytes>(to_bytes("cage-app/10"))}) {
    EXPECT_EQ(purpose_of(other).error().code, Code::PURPOSE);
  }
  EXPECT_EQ(app_user_data(Bytes(501)).value().size(), 512U);
  EXPECT_EQ(app_user_data(Bytes(502)).error().code, Code::LIMIT);
}

struct Session : Runtime {
  Bytes leaf_der_ = leaf();  // one document: signing again makes other bytes
  TlsEvidence evidence_ = evidence(leaf_der_).value();
  wire::SessionFacts facts{"a.example", claims.module_id, {1, 2, 3}, Bytes(32, 7), crypto::sha384(tls.public_key().spki())};

  [[nodiscard]] wire::SessionAnswer good() const {
    return answer_session(session, facts, evidence_in(leaf_der_).value(), false).value();
  }
  [[nodiscard]] std::string verdict_of(const wire::SessionAnswer& answer, const wire::SessionFacts& seen) const {
    const auto result = check_session(evidence_, seen, answer, nullptr);
    return result ? "" : error_class(result.error());
  }
};

TEST(SessionBinding, HoldsForTheSameSessionAlone) {
  const Session session;
  EXPECT_EQ(session.verdict_of(session.good(), session.facts), "");
  using Change = void (*)(wire::SessionFacts&);
  for (const Change change : {Change([](auto& f) { f.host_name = "b.example"; }), Change([](auto& f) { f.cage_id += "0"; }),
                              Change([](auto& f) { f.nonce[31] ^= 1; }), Change([](auto& f) { f.exporter[0] ^= 1; }),
                              Change([](auto& f) { f.spki_digest[0] ^= 1; })}) {
    wire::SessionFacts other = session.facts;
    change(other);
    EXPECT_EQ(session.verdict_of(session.good(), other), "SESSION_SIGNATURE");
  }
}

TEST(SessionBinding, IsSignedByTheAttestedKeyOverTheAttestedDocument) {
  const Session session;
  wire::SessionAnswer answer = session.good();
  answer.signature[0] ^= 1;
  EXPECT_EQ(session.verdict_of(answer, session.facts), "SESSION_SIGNATURE");
  answer = session.good();
  answer.document_digest[0] ^= 1;
  EXPECT_EQ(session.verdict_of(answer, session.facts), "SESSION_DOCUMENT");
  const Bytes other = session.document();  // the same claims signed again: other bytes
  answer = answer_session(session.session, session.facts, other, false).value();
  EXPECT_EQ(session.verdict_of(answer, session.facts), "SESSION_DOCUMENT");
  const auto stranger = crypto::PrivateKey::generate(crypto::Curve::p256).value();
  answer = answer_session(stranger, session.facts, evidence_in(session.leaf_der_).value(), false).value();
  EXPECT_EQ(session.verdict_of(answer, session.facts), "SESSION_SIGNATURE");
  answer = answer_session(session.session, session.facts, other, true).value();
  EXPECT_EQ(session.verdict_of(answer, session.facts), "SESSION_ANSWER");  // fresh though not asked for
}

TEST(SessionBinding, FreshDocumentsAreOfThisSessionAndTheseKeys) {
  const Session session;
  const TrustRoot roots[] = {session.authority.root()};
  const policy::AdmittedPolicy policy = any_code();
  const FreshRules rules{roots, kNow, policy};
  const auto verdict = [&](const wire::DocumentClaims& claims) {
    const Bytes document = session.authority.document(claims);
    const auto answer = answer_session(session.session, session.facts, document, true).value();
    const auto result = check_session(session.evidence_, session.facts, answer, &rules);
    return result ? "" : error_class(result.error());
  };
  wire::DocumentClaims claims = session.claims;
  claims.nonce = to_bytes(session_digest(session.facts).value());
  EXPECT_EQ(verdict(claims), "");
  claims.nonce->front() ^= 1;
  EXPECT_EQ(verdict(claims), "NONCE");
  claims.nonce->front() ^= 1;
  claims.user_data->back() ^= 1;
  EXPECT_EQ(verdict(claims), "USER_DATA");
  claims.user_data->back() ^= 1;
  claims.public_key->back() ^= 1;
  EXPECT_EQ(verdict(claims), "PUBLIC_KEY");
  const auto plain = check_session(session.evidence_, session.facts, session.good(), &rules);
  EXPECT_EQ(error_class(plain.error()), "SESSION_ANSWER");
}

}  // namespace
}  // namespace cages::attest
