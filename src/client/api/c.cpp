// SPDX-License-Identifier: Apache-2.0
// The C interface. No exception leaves it.
#include <cstdlib>
#include <cstring>
#include <memory>

#include "cage/cage.h"
#include "client/connect.h"
#include "client/settings_json.h"
#include "client/verify_json.h"
#include "crypto/random.h"

namespace {

namespace client = cages::client;

char* copy_of(const std::string& text) {
  char* copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy != nullptr) std::memcpy(copy, text.c_str(), text.size() + 1);
  return copy;
}

void report(const cages::Error& error, cage_failure** failure) {
  if (failure == nullptr) return;
  *failure = static_cast<cage_failure*>(std::malloc(sizeof(cage_failure)));
  if (*failure == nullptr) return;
  **failure = {copy_of(cages::error_class(error)), copy_of(cages::describe(error)), cages::exit_code(error)};
}

}  // namespace

// lifetime: members go in reverse order, the connection before the loop that it lives on.
struct cage_connection {
  cages::net::EventLoop loop;
  cages::crypto::SystemRandom random;
  client::Target target;
  std::string evidence;
  client::ConnectionPtr connection;
};

struct cage_response {
  cages::http::WholeResponse whole;
  std::vector<cage_header> headers;
};

namespace {

cages::Result<std::unique_ptr<cage_connection>> connect_to(std::string_view host, std::uint16_t port, std::string_view options) {
  TRY_ASSIGN(const cages::Json json, cages::parse_json(options));
  TRY_ASSIGN(client::JsonSettings settings, client::parse_settings(json));
  auto result = std::make_unique<cage_connection>();
  result->target = {std::string(host), port, settings.dial};
  auto done = result->loop.run(client::connect(result->loop, result->random, result->target, std::move(settings.settings)));
  if (!done) return cages::fail(cages::Code::INTERRUPTED);
  TRY_ASSIGN(result->connection, std::move(*done));
  result->evidence = cages::write_json(client::evidence_json(result->connection->evidence().verified()));
  return result;
}

cages::Result<std::unique_ptr<cage_response>> exchange(cage_connection& connection, cages::http::RequestHead head,
                                                      cages::Bytes body, std::size_t body_max) {
  if (!connection.connection) return cages::fail(cages::Code::CLOSED, "connection");
  cages::http::Client& http = connection.connection->http();
  auto done = connection.loop.run(http.request(std::move(head), std::move(body), body_max));
  if (!done || !*done || !http.reusable()) connection.connection.reset();
  if (!done) return cages::fail(cages::Code::INTERRUPTED);
  auto result = std::make_unique<cage_response>();
  TRY_ASSIGN(result->whole, std::move(*done));
  for (const auto& header : result->whole.head.headers) result->headers.push_back({header.name.c_str(), header.value.c_str()});
  return result;
}

}  // namespace

extern "C" {

cage_connection* cage_open(const char* host, uint16_t port, const char* options, cage_failure** failure) {
  auto opened = connect_to(host == nullptr ? "" : host, port, options == nullptr ? "{}" : options);
  if (opened) return opened->release();
  report(opened.error(), failure);
  return nullptr;
}

void cage_close(cage_connection* connection) { delete connection; }

const char* cage_evidence(const cage_connection* connection) { return connection->evidence.c_str(); }

cage_response* cage_request(cage_connection* connection, const char* method, const char* target, const cage_header* headers,
                            size_t header_count, const void* body, size_t body_bytes, size_t body_max,
                            cage_failure** failure) {
  cages::http::RequestHead head;
  head.method = method;
  head.target = target;
  head.authority = connection->target.authority();
  for (size_t i = 0; i < header_count; ++i) head.headers.add(headers[i].name, headers[i].value);
  const auto* bytes = static_cast<const cages::Byte*>(body);
  auto answered = exchange(*connection, std::move(head), cages::Bytes(bytes, bytes + body_bytes), body_max);
  if (answered) return answered->release();
  report(answered.error(), failure);
  return nullptr;
}

int cage_response_status(const cage_response* response) { return response->whole.head.status; }

const void* cage_response_body(const cage_response* response, size_t* bytes) {
  *bytes = response->whole.body.size();
  return response->whole.body.data();
}

const cage_header* cage_response_header(const cage_response* response, size_t index) {
  return index < response->headers.size() ? &response->headers[index] : nullptr;
}

void cage_response_free(cage_response* response) { delete response; }

int cage_verify(const char* request, char** answer) {
  const client::JsonVerdict verdict = client::verify_json(request == nullptr ? "" : request);
  *answer = copy_of(cages::write_json(verdict.answer));
  return verdict.exit_code;
}

void cage_string_free(char* text) { std::free(text); }

void cage_failure_free(cage_failure* failure) {
  if (failure == nullptr) return;
  std::free(failure->code);
  std::free(failure->text);
  std::free(failure);
}

}  // extern "C"
