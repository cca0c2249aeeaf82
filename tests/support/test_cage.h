// SPDX-License-Identifier: Apache-2.0
// TestCage: the server's side of an attested connection, in memory, honest unless told otherwise. For tests of clients.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "attest/session.h"
#include "http/server.h"
#include "net/event_loop.h"
#include "support/pki.h"
#include "support/test_authority.h"
#include "tls/server.h"

namespace cages::test {

inline constexpr std::string_view kCageHost = "hello.app-0123456789ab.localhost";

class TestCage {
 public:
  explicit TestCage(WallTime now)
      : now_(now), documents(unix_seconds(now)), ca(authority("a platform", now)),
        tls_key(crypto::PrivateKey::generate(crypto::Curve::p256).value()),
        session_key(crypto::PrivateKey::generate(crypto::Curve::p256).value()), claims(documents.claims()) {
    claims.user_data = tls_key.public_key().spki();
    claims.public_key = wire::write_key_set({session_key.public_key().spki(), {}, {}}).value();
    document = documents.document(claims);
  }

  // What a client demands of this cage, all of it met.
  [[nodiscard]] policy::PcrSet pcrs() const {
    return {{{0, claims.pcrs.at(0)}, {1, claims.pcrs.at(1)}, {2, claims.pcrs.at(2)}}, {}};
  }

  [[nodiscard]] tls::Identity identity() const {
    auto wanted = fields("a platform", kCageHost, now_, 2);
    wanted.not_after = now_ + std::chrono::minutes(5);
    const std::vector<std::string_view> uses{crypto::oid::kServerAuth};
    const std::vector<std::string> names{std::string(kCageHost)};
    wanted.extensions = {crypto::basic_constraints(false), crypto::key_usage({crypto::KeyUsage::digital_signature}),
                         crypto::extended_key_usage(uses).value(), crypto::subject_alt_dns(names)};
    if (carry_evidence) wanted.extensions.push_back(attest::evidence_extension(document));
    const std::vector<Bytes> chain{crypto::issue(wanted, tls_key.public_key(), ca.key).value().der()};
    return tls::Identity::make(chain, tls_key).value();
  }

  // serve takes one connection and answers until it ends. `seen` gets each request's target.
  Task<void> serve(net::EventLoop& loop, net::StreamPtr stream) {
    const auto server = tls::Server::make({.identity = identity(), .alpn = {"http/1.1"}, .client_roots = {}, .client_check = {}},
                                          loop.clock()).value();
    auto tls = co_await server->accept(loop.timers(), std::move(stream));
    if (!tls) co_return;
    const tls::TlsStream& session = **tls;
    http::Draining draining;
    const http::Handler handler = [&](http::Request& request, http::Responder& responder) -> Task<Result<void>> {
      seen.push_back(request.head.target);
      CO_TRY_ASSIGN(const Bytes body, co_await http::read_body(request.body, 4096));
      if (request.head.target != wire::kSessionPath) {
        co_return co_await http::answer(responder, 200, {{"Content-Type", "text/plain"}}, to_bytes("hello"));
      }
      if (silent) co_await loop.timers().sleep(std::chrono::hours(1));
      CO_TRY_ASSIGN(const Bytes proof, prove(session, body));
      co_return co_await http::answer(responder, status, {{"Content-Type", type}}, proof);
    };
    (void)co_await http::serve(loop.timers(), **tls, handler, draining);
  }

 private:
  Result<Bytes> prove(const tls::TlsStream& session, ByteView body) {
    TRY_ASSIGN(const wire::SessionRequest request, wire::parse_session_request(body));
    wire::SessionFacts facts;
    facts.host_name = session.server_name();
    facts.cage_id = claims.module_id;
    facts.nonce = request.nonce;
    TRY_ASSIGN(facts.exporter, session.exporter(wire::kSessionExporterLabel, request.nonce, wire::kSessionExporterBytes));
    facts.spki_digest = crypto::sha384(tls_key.public_key().spki());
    if (change_facts) change_facts(facts);
    Bytes spoken_for = document;
    if (request.fresh) {
      wire::DocumentClaims fresh = claims;
      TRY_ASSIGN(const crypto::Digest384 transcript, attest::session_digest(facts));
      fresh.nonce = to_bytes(transcript);
      spoken_for = documents.document(fresh);
    }
    TRY_ASSIGN(wire::SessionAnswer answer, attest::answer_session(session_key, facts, spoken_for, request.fresh));
    if (change_answer) change_answer(answer);
    return garbage ? Bytes{0xff} : wire::write_session_answer(answer);
  }

  WallTime now_;

 public:
  TestAuthority documents;
  Issued ca;
  crypto::PrivateKey tls_key;
  crypto::PrivateKey session_key;
  wire::DocumentClaims claims;
  Bytes document;
  bool carry_evidence = true;
  bool silent = false;
  bool garbage = false;
  int status = 200;
  std::string type{wire::kSessionType};
  std::function<void(wire::SessionFacts&)> change_facts;
  std::function<void(wire::SessionAnswer&)> change_answer;
  std::vector<std::string> seen;
};

}  // namespace cages::test
