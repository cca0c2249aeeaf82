// SPDX-License-Identifier: Apache-2.0
#include "runtime/boot/prover.h"

#include <gtest/gtest.h>

#include "attest/evidence.h"
#include "attest/session.h"
#include "base/limits.h"
#include "net/memory.h"
#include "support/pki.h"
#include "tls/client.h"
#include "tls/server.h"
#include "wire/session.h"

namespace cages::runtime {
namespace {

using namespace std::chrono_literals;
const std::string kName = "pay.app-0123456789ab.localhost";

// An NSM whose documents are any bytes: what they say is for others to judge.
class EchoNsm final : public attest::NsmChannel {
 public:
  explicit EchoNsm(std::vector<wire::NsmAttestationRequest>& asked) : asked_(asked) {}
  Result<Bytes> exchange(ByteView request) override {
    TRY_ASSIGN(const wire::NsmRequest parsed, wire::parse_nsm_request(request));
    asked_.push_back(std::get<wire::NsmAttestationRequest>(parsed));
    return wire::write_nsm_response(wire::NsmDocument{to_bytes("a fresh document")});
  }

 private:
  std::vector<wire::NsmAttestationRequest>& asked_;
};

class ProverTest : public testing::Test {
 protected:
  // A leaf for the TLS key that carries `document`.
  tls::Identity identity(std::string_view document) {
    auto wanted = test::fields("a platform", kName, clock.wall(), 2);
    const std::vector<std::string> names{kName};
    wanted.extensions = {crypto::basic_constraints(false), crypto::key_usage({crypto::KeyUsage::digital_signature}),
                         crypto::subject_alt_dns(names), attest::evidence_extension(as_bytes(document))};
    const std::vector<Bytes> chain{crypto::issue(wanted, keys.tls.public_key(), ca.key).value().der()};
    return tls::Identity::make(chain, keys.tls).value();
  }
  struct Connection {
    tls::TlsStreamPtr client;
    tls::TlsStreamPtr server;
  };
  Task<Connection> connect() {
    auto [near, far] = net::memory_pair();
    Connection made;
    auto accept = [&](net::StreamPtr stream) -> Task<void> {
      made.server = (co_await server->accept(loop.timers(), std::move(stream))).value();
    };
    auto dial = [&](net::StreamPtr stream) -> Task<void> {
      made.client = (co_await client->connect(loop.timers(), std::move(stream), kName)).value();
    };
    co_await net::together(accept(std::move(far)), dial(std::move(near)));
    co_return made;
  }
  static Bytes request(bool fresh) {
    wire::SessionRequest asked;
    asked.nonce.fill(7);
    asked.fresh = fresh;
    return wire::write_session_request(asked);
  }
  Result<wire::SessionAnswer> answer(const Connection& on, bool fresh = false) {
    TRY_ASSIGN(const Bytes bytes, prover.answer(request(fresh), *on.server));
    return wire::parse_session_answer(bytes);
  }
  // The transcript as the client computes it.
  crypto::Digest384 transcript(const Connection& on) {
    wire::SessionFacts facts;
    facts.host_name = kName;
    facts.cage_id = "i-0-enc0";
    facts.nonce.fill(7);
    facts.exporter = on.client->exporter(wire::kSessionExporterLabel, facts.nonce, wire::kSessionExporterBytes).value();
    facts.spki_digest = crypto::sha384(on.client->peer_spki());
    return attest::session_digest(facts).value();
  }
  static Bytes digest(std::string_view document) {
    const auto sum = crypto::sha384(as_bytes(document));
    return Bytes(sum.begin(), sum.end());
  }

  ManualClock clock;
  net::EventLoop loop{clock};
  Keys keys = Keys::make().value();
  test::Issued ca = test::authority("a platform", clock.wall());
  std::vector<wire::NsmAttestationRequest> asked;
  attest::Nsm nsm{std::make_unique<EchoNsm>(asked)};
  Prover prover{nsm, keys, clock, "i-0-enc0"};
  std::unique_ptr<tls::Server> server =
      tls::Server::make({.identity = identity("document one"), .alpn = {}, .client_roots = {}, .client_check = {}},
                        clock)
          .value();
  std::unique_ptr<tls::Client> client =
      tls::Client::make(
          {.roots = {.system = false, .pem = ca.certificate.pem()}, .alpn = {}, .identity = {}, .server_check = {}},
          clock)
          .value();
};

TEST_F(ProverTest, SpeaksForTheDocumentThatThisConnectionWasShown) {
  loop.run([&]() -> Task<void> {
    const Connection before = co_await connect();
    EXPECT_TRUE(server->replace(identity("document two")));
    const Connection after = co_await connect();
    const auto first = answer(before);
    const auto second = answer(after);
    EXPECT_TRUE(first && second);
    if (!first || !second) co_return;
    EXPECT_EQ(to_bytes(first->document_digest), digest("document one")) << "the leaf was renewed while it was open";
    EXPECT_EQ(to_bytes(second->document_digest), digest("document two"));
    EXPECT_EQ(prover.document(*before.server).value(), to_bytes("document one"));
    EXPECT_EQ(prover.document(*after.server).value(), to_bytes("document two"));
  }());
  EXPECT_TRUE(asked.empty());
}

TEST_F(ProverTest, AFreshDocumentIsForThisSessionAndThisKey) {
  loop.run([&]() -> Task<void> {
    clock.advance(1s);
    const Connection made = co_await connect();
    const auto fresh = answer(made, true);
    EXPECT_TRUE(fresh) << describe(fresh.error());
    EXPECT_EQ(asked.size(), 1U);
    if (!fresh || asked.empty()) co_return;
    EXPECT_EQ(to_bytes(fresh->document_digest), digest("a fresh document"));
    EXPECT_EQ(*fresh->document, to_bytes("a fresh document"));
    EXPECT_EQ(*asked[0].user_data, made.client->peer_spki());
    EXPECT_EQ(*asked[0].nonce, to_bytes(transcript(made)));
    EXPECT_EQ(*asked[0].public_key, wire::write_key_set(keys.public_set()).value());
  }());
}

TEST_F(ProverTest, FreshDocumentsAreRationed) {
  loop.run([&]() -> Task<void> {
    const Connection made = co_await connect();
    const auto count = [&] {
      unsigned granted = 0;
      while (answer(made, true)) ++granted;
      EXPECT_EQ(answer(made, true).error().code, Code::HTTP_OVERLOAD);
      return granted;
    };
    clock.advance(1h);
    EXPECT_EQ(count(), static_cast<unsigned>(limits::kFreshBurst));
    clock.advance(500ms);
    EXPECT_EQ(count(), static_cast<unsigned>(limits::kFreshPerSecond / 2));
    EXPECT_TRUE(answer(made)) << "the certificate's own costs nothing";
  }());
}

TEST_F(ProverTest, WhatIsNoRequestIsRefused) {
  loop.run([&]() -> Task<void> {
    const Connection made = co_await connect();
    for (const Bytes& bad : {Bytes(), Bytes{0xff}, Bytes(200, 0), to_bytes("{\"nonce\":1}")}) {
      const auto refused = prover.answer(bad, *made.server);
      EXPECT_FALSE(refused);
      if (!refused) EXPECT_EQ(refused.error().kind(), Kind::reject);
    }
  }());
  EXPECT_TRUE(asked.empty());
}

}  // namespace
}  // namespace cages::runtime
