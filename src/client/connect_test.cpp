// SPDX-License-Identifier: Apache-2.0
#include "client/connect.h"

#include <gtest/gtest.h>

#include "support/meeting.h"

namespace cages::client {
namespace {

using test::Meeting;

TEST(Connect, ReachesTheAppAfterTheSessionIsBound) {
  Meeting meeting;
  EXPECT_EQ(meeting.outcome(), "");
  EXPECT_EQ(meeting.cage.seen, (std::vector<std::string>{std::string(wire::kSessionPath), "/app"}));
}

TEST(Connect, FreshDocumentsAndKeysAlone) {
  Meeting fresh;
  fresh.settings.binding = Binding::fresh;
  EXPECT_EQ(fresh.outcome(), "");
  Meeting key;
  key.settings.binding = Binding::key;
  EXPECT_EQ(key.outcome(), "");
  EXPECT_EQ(key.cage.seen, std::vector<std::string>{"/app"});
}

TEST(Connect, RefusesOtherCode) {
  Meeting meeting;
  meeting.settings.policy.pcr_sets.front().pcrs[2][0] ^= 1;
  EXPECT_EQ(meeting.outcome(), "PCR_MISMATCH");
}

TEST(Connect, RefusesOtherRoots) {
  Meeting meeting;
  meeting.settings.roots = {attest::production_root()};
  EXPECT_EQ(meeting.outcome(), "UNTRUSTED_ROOT");
}

TEST(Connect, RefusesAServerWithoutEvidence) {
  Meeting meeting;
  meeting.cage.carry_evidence = false;
  EXPECT_EQ(meeting.outcome(), "NO_EVIDENCE");
}

TEST(Connect, RefusesAnothersEvidence) {
  Meeting meeting;
  const test::TestCage other(meeting.clock.wall());
  meeting.cage.document = other.document;
  meeting.settings.roots = {other.documents.root()};
  EXPECT_EQ(meeting.outcome(), "EVIDENCE_KEY");
}

TEST(Connect, RefusesOldEvidence) {
  Meeting meeting;
  meeting.cage.claims.timestamp_ms -= 2000;
  meeting.cage.document = meeting.cage.documents.document(meeting.cage.claims);
  meeting.settings.policy.max_age_s = 1;
  EXPECT_EQ(meeting.outcome(), "TIMESTAMP_OLD");
}

TEST(Connect, LooksWhoseCageItIs) {
  Meeting name;
  name.target.host = "other.app-0123456789ab.localhost";
  EXPECT_EQ(name.outcome(), "TLS_NAME");
  Meeting authority;
  authority.settings.authorities.pem = test::authority("another", authority.clock.wall()).certificate.pem();
  EXPECT_EQ(authority.outcome(), "TLS_CERTIFICATE");
}

TEST(Connect, UnlessToldInWordsThatAnyIdentityWillDo) {
  Meeting meeting;
  meeting.settings.authorities = {};
  EXPECT_EQ(meeting.outcome(), "CLIENT_SETTINGS");
  meeting.settings.identity = Identity::any;
  EXPECT_EQ(meeting.outcome(), "");
  meeting.target.host = "other.app-0123456789ab.localhost";
  meeting.cage.seen.clear();
  EXPECT_EQ(meeting.outcome(), "");
  meeting.settings.policy.pcr_sets.front().pcrs[0][0] ^= 1;  // any identity, but no other code
  meeting.cage.seen.clear();
  EXPECT_EQ(meeting.outcome(), "PCR_MISMATCH");
}

TEST(Connect, FailsClosedBeforeAnyByte) {
  Meeting empty;
  empty.settings.policy = {};
  EXPECT_EQ(empty.outcome(), "POLICY_EMPTY");
  Meeting rootless;
  rootless.settings.roots.clear();
  EXPECT_EQ(rootless.outcome(), "CLIENT_SETTINGS");
}

TEST(Connect, NoProofEndsTheConnection) {
  Meeting status;
  status.cage.status = 404;  // with a good proof in its body
  EXPECT_EQ(status.outcome(), "SESSION_ANSWER");
  Meeting type;
  type.cage.type = "text/html";
  EXPECT_EQ(type.outcome(), "SESSION_ANSWER");
  Meeting garbage;
  garbage.cage.garbage = true;
  EXPECT_EQ(garbage.outcome(), "SESSION_ANSWER");
  Meeting silent;
  silent.cage.silent = true;
  EXPECT_EQ(silent.outcome(), "SESSION_ANSWER");
}

// Whoever has the TLS key but not S, or relays another session's proof, proves nothing.
TEST(Connect, AProofOfAnotherSessionIsNone) {
  Meeting exporter;
  exporter.cage.change_facts = [](wire::SessionFacts& facts) { facts.exporter[0] ^= 1; };
  EXPECT_EQ(exporter.outcome(), "SESSION_SIGNATURE");
  Meeting signer;
  signer.cage.session_key = crypto::PrivateKey::generate(crypto::Curve::p256).value();
  EXPECT_EQ(signer.outcome(), "SESSION_SIGNATURE");
  Meeting document;
  document.cage.change_answer = [](wire::SessionAnswer& answer) { answer.document_digest[0] ^= 1; };
  EXPECT_EQ(document.outcome(), "SESSION_DOCUMENT");
  Meeting stale;
  stale.settings.binding = Binding::fresh;
  stale.cage.change_answer = [](wire::SessionAnswer& answer) { answer.document.reset(); };
  EXPECT_EQ(stale.outcome(), "SESSION_ANSWER");
  Meeting replayed;
  replayed.settings.binding = Binding::fresh;
  replayed.cage.change_answer = [&](wire::SessionAnswer& answer) { answer.document = replayed.cage.document; };
  EXPECT_EQ(replayed.outcome(), "NONCE");
}

}  // namespace
}  // namespace cages::client
