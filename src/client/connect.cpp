// SPDX-License-Identifier: Apache-2.0
#include "client/connect.h"

#include "attest/session.h"
#include "base/check.h"
#include "base/text.h"
#include "net/deadline.h"
#include "net/resolve.h"

namespace cages::client {

// One attempt, step by step; run() reads as design §5 does.
class Attesting {
 public:
  Attesting(World world, Target target, Settings settings)
      : world_(world), target_(std::move(target)), settings_(std::move(settings)) {}

  Task<Result<ConnectionPtr>> run(net::StreamPtr stream) {
    CO_TRY(prepare());
    CO_TRY_ASSIGN(tls::TlsStreamPtr tls, co_await handshake(std::move(stream)));
    if (!evidence_) co_return fail(Code::INTERNAL, "a handshake that nobody judged");
    const tls::TlsStream& session = *tls;
    auto http = std::make_unique<http::Client>(world_.timers, std::move(tls));
    if (settings_.binding != Binding::key) {
      const net::Deadline deadline(world_.timers, http->stream(), settings_.time);
      if (auto bound = co_await bind(session, *http); !bound) {
        http->close();
        co_return fail(std::move(bound).error());
      }
    }
    co_return ConnectionPtr(new Connection(std::move(*evidence_), settings_.binding, std::move(http)));
  }

 private:
  Result<void> prepare() {
    if (settings_.roots.empty()) return fail(Code::CLIENT_SETTINGS, "roots", "one root of documents or more", "none");
    const bool authorities = settings_.authorities.system || !settings_.authorities.pem.empty();
    if (settings_.identity == Identity::chain_and_name && !authorities) {
      return fail(Code::CLIENT_SETTINGS, "authorities", "a CA, the system's, or identity \"any\"", "none");
    }
    TRY_ASSIGN(policy::AdmittedPolicy policy, policy::admit(settings_.policy));
    policy_.emplace(std::move(policy));
    return {};
  }

  [[nodiscard]] std::int64_t now() const { return unix_seconds(world_.clock.wall()); }

  // During the handshake, so that a server without good evidence never sees a finished one.
  Result<void> judge(const std::vector<Bytes>& chain) {
    if (chain.empty()) return fail(Code::NO_EVIDENCE, "certificate", "one", "none");
    TRY_ASSIGN(attest::TlsEvidence evidence, attest::verify_tls_evidence(chain.front(), settings_.roots, now(), *policy_));
    evidence_.emplace(std::move(evidence));
    return {};
  }

  Task<Result<tls::TlsStreamPtr>> handshake(net::StreamPtr stream) {
    tls::ClientSettings settings;
    settings.roots = settings_.authorities;
    settings.alpn = {"http/1.1"};
    settings.server_identity = settings_.identity == Identity::any ? tls::ServerIdentity::any_because_server_check_decides
                                                                   : tls::ServerIdentity::chain_and_name;
    settings.server_check = [this](const std::vector<Bytes>& chain) { return judge(chain); };
    CO_TRY_ASSIGN(const std::unique_ptr<tls::Client> client, tls::Client::make(std::move(settings), world_.clock));
    co_return co_await client->connect(world_.timers, std::move(stream), target_.host, {}, settings_.time);
  }

  Result<wire::SessionFacts> facts(const tls::TlsStream& session, const wire::SessionRequest& request) const {
    wire::SessionFacts facts;
    facts.host_name = ascii_lower(session.server_name());
    facts.cage_id = evidence_->verified().claims().module_id;
    facts.nonce = request.nonce;
    TRY_ASSIGN(facts.exporter, session.exporter(wire::kSessionExporterLabel, request.nonce, wire::kSessionExporterBytes));
    facts.spki_digest = crypto::sha384(evidence_->spki());
    return facts;
  }

  // No answer, or any other than a good one, ends the connection; the reason says what it was.
  static Error no_proof(const std::string& got) {
    return Error(Code::SESSION_ANSWER, std::string(wire::kSessionPath), "200 with a session's proof", got);
  }

  Task<Result<void>> bind(const tls::TlsStream& session, http::Client& http) {
    wire::SessionRequest request;
    request.nonce = world_.random.array<32>();
    request.fresh = settings_.binding == Binding::fresh;
    CO_TRY_ASSIGN(const wire::SessionFacts facts, this->facts(session, request));
    http::RequestHead head;
    head.method = "POST";
    head.target = wire::kSessionPath;
    head.authority = target_.authority();
    head.headers.add("Content-Type", std::string(wire::kSessionType));
    auto answered = co_await http.request(std::move(head), wire::write_session_request(request), limits::kSessionAnswerBytesMax);
    if (!answered) co_return fail(no_proof(describe(answered.error())));
    const std::string* type = answered->head.headers.find("Content-Type");
    if (!CAGES_CHECK("SESSION_ANSWER", answered->head.status == 200 && type != nullptr && *type == wire::kSessionType)) {
      co_return fail(no_proof("status " + std::to_string(answered->head.status)));
    }
    const auto answer = wire::parse_session_answer(answered->body);
    if (!answer) co_return fail(no_proof(describe(answer.error())));
    const attest::FreshRules fresh{settings_.roots, now(), *policy_};
    CO_TRY(attest::check_session(*evidence_, facts, *answer, request.fresh ? &fresh : nullptr));
    if (!http.reusable()) co_return fail(no_proof("a connection that ends with the answer"));
    co_return Result<void>();
  }

  World world_;
  Target target_;
  Settings settings_;
  std::optional<policy::AdmittedPolicy> policy_;
  std::optional<attest::TlsEvidence> evidence_;
};

std::string Target::authority() const {
  const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return port == 443 ? name : name + ":" + std::to_string(port);
}

Task<Result<ConnectionPtr>> attest_stream(World world, net::StreamPtr stream, Target target, Settings settings) {
  Attesting attesting(world, std::move(target), std::move(settings));
  co_return co_await attesting.run(std::move(stream));
}

Task<Result<ConnectionPtr>> connect(net::EventLoop& loop, crypto::Random& random, Target target, Settings settings) {
  std::string where = target.dial.empty() ? target.host : target.dial;
  const std::string name = ascii_lower(where);
  if (name == "localhost" || name.ends_with(".localhost")) where = "127.0.0.1";
  CO_TRY_ASSIGN(net::StreamPtr stream, co_await net::dial_host(loop, std::move(where), target.port, settings.time));
  const World world{loop.timers(), loop.clock(), random};
  co_return co_await attest_stream(world, std::move(stream), std::move(target), std::move(settings));
}

}  // namespace cages::client
