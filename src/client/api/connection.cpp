// SPDX-License-Identifier: Apache-2.0
// The C++ interface: a loop of its own for each connection, driven while a call lasts.
#include "cage/client.h"
#include "client/connect.h"
#include "client/measurements.h"
#include "client/verify_json.h"
#include "crypto/random.h"

namespace cage {
namespace {

namespace client = cages::client;

Failure failure_of(const cages::Error& error) {
  return {cages::error_class(error), cages::describe(error), cages::exit_code(error)};
}

client::Binding binding_of(Binding binding) {
  switch (binding) {
    case Binding::session: return client::Binding::session;
    case Binding::fresh: return client::Binding::fresh;
    case Binding::key: return client::Binding::key;
  }
  return client::Binding::session;
}

cages::Result<client::Settings> settings_of(const Options& options) {
  client::Settings settings;
  if (!options.policy.empty()) {
    TRY_ASSIGN(const cages::Json json, cages::parse_json(options.policy));
    TRY_ASSIGN(settings.policy, cages::policy::parse_policy(json));
  }
  for (const std::string& text : options.measurements) {
    TRY_ASSIGN(const cages::Json json, cages::parse_json(text));
    TRY_ASSIGN(cages::policy::PcrSet set, client::parse_measurements(json));
    settings.policy.pcr_sets.push_back(std::move(set));
  }
  if (!options.release.empty()) {
    TRY_ASSIGN(cages::policy::PcrSet set, client::parse_release(options.release, options.release_key));
    settings.policy.pcr_sets.push_back(std::move(set));
  }
  for (const std::string& pem : options.roots) {
    TRY_ASSIGN(const auto roots, client::parse_trust_roots(pem));
    settings.roots.insert(settings.roots.end(), roots.begin(), roots.end());
  }
  if (settings.roots.empty()) settings.roots.push_back(cages::attest::production_root());
  settings.authorities.pem = options.authorities;
  settings.authorities.system = options.authorities.empty();
  if (options.any_identity) settings.identity = client::Identity::any;
  settings.binding = binding_of(options.binding);
  settings.time = options.timeout;
  return settings;
}

}  // namespace

// lifetime: members go in reverse order, the connection before the loop that it lives on.
struct Connection::State {
  cages::net::EventLoop loop;
  cages::crypto::SystemRandom random;
  client::Target target;
  std::string evidence;
  client::ConnectionPtr connection;
};

Connection::Connection(std::unique_ptr<State> state) : state_(std::move(state)) {}
Connection::~Connection() = default;
Connection::Connection(Connection&& other) noexcept = default;
Connection& Connection::operator=(Connection&& other) noexcept = default;

Outcome<Connection> Connection::open(std::string_view host, std::uint16_t port, const Options& options) {
  auto settings = settings_of(options);
  if (!settings) return std::unexpected(failure_of(settings.error()));
  auto state = std::make_unique<State>();
  state->target = {std::string(host), port, options.dial};
  auto done = state->loop.run(client::connect(state->loop, state->random, state->target, std::move(*settings)));
  if (!done) return std::unexpected(failure_of(cages::Error(cages::Code::INTERRUPTED)));
  if (!*done) return std::unexpected(failure_of(done->error()));
  state->connection = std::move(**done);
  state->evidence = cages::write_json(client::evidence_json(state->connection->evidence().verified()));
  return Connection(std::move(state));
}

Outcome<Response> Connection::request(std::string_view method, std::string_view target,
                                      const std::vector<std::pair<std::string, std::string>>& headers, std::string_view body,
                                      std::size_t body_max) {
  if (!state_ || !state_->connection) return std::unexpected(failure_of(cages::Error(cages::Code::CLOSED, "connection")));
  cages::http::RequestHead head;
  head.method = method;
  head.target = target;
  head.authority = state_->target.authority();
  for (const auto& [name, value] : headers) head.headers.add(name, value);
  cages::http::Client& http = state_->connection->http();
  auto done = state_->loop.run(http.request(std::move(head), cages::to_bytes(body), body_max));
  const bool again = done && *done && http.reusable();
  if (!again) state_->connection.reset();
  if (!done) return std::unexpected(failure_of(cages::Error(cages::Code::INTERRUPTED)));
  if (!*done) return std::unexpected(failure_of(done->error()));
  Response response;
  response.status = (**done).head.status;
  for (const auto& header : (**done).head.headers) response.headers.emplace_back(header.name, header.value);
  response.body = cages::as_text((**done).body);
  return response;
}

const std::string& Connection::evidence() const { return state_->evidence; }

int verify(std::string_view request, std::string& answer) {
  const client::JsonVerdict verdict = client::verify_json(request);
  answer = cages::write_json(verdict.answer);
  return verdict.exit_code;
}

}  // namespace cage
