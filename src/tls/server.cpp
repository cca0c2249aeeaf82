// SPDX-License-Identifier: Apache-2.0
#include "tls/server.h"

#include "tls/settings.h"
#include "tls/state.h"

namespace cages::tls {

// One identity's context; connections that began with it keep it alive.
struct Server::Shown {
  ContextPtr context;
  Bytes alpn;
};

namespace {

int select_alpn(SSL*, const unsigned char** out, unsigned char* out_length, const unsigned char* offered,
                unsigned offered_length, void* wire) {
  const auto& ours = *static_cast<const Bytes*>(wire);
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_length, ours.data(), static_cast<unsigned>(ours.size()), offered,
                            offered_length) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

Result<void> ask_clients(SSL_CTX* context, const ServerSettings& settings) {
  if (settings.clients == ClientCertificates::not_asked) return {};
  TRY(fill(SSL_CTX_get_cert_store(context), settings.client_roots));
  const bool required = settings.clients == ClientCertificates::required;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
  return {};
}

}  // namespace

Server::Server(ServerSettings settings, const Clock& clock) : settings_(std::move(settings)), clock_(clock) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::make(ServerSettings settings, const Clock& clock) {
  std::unique_ptr<Server> server(new Server(std::move(settings), clock));
  TRY_ASSIGN(server->shown_, server->show(server->settings_.identity));
  return server;
}

Result<std::shared_ptr<const Server::Shown>> Server::show(const Identity& identity) const {
  auto shown = std::make_shared<Shown>();
  TRY_ASSIGN(shown->context, make_context(Side::server));
  SSL_CTX* context = shown->context.get();
  TRY_ASSIGN(shown->alpn, alpn_wire(settings_.alpn));
  if (!shown->alpn.empty()) SSL_CTX_set_alpn_select_cb(context, select_alpn, &shown->alpn);
  TRY(identity.use(context));
  TRY(ask_clients(context, settings_));
  set_judge(context);
  return shown;
}

Result<void> Server::replace(Identity identity) {
  TRY_ASSIGN(shown_, show(identity));
  settings_.identity = std::move(identity);
  return {};
}

Task<Result<TlsStreamPtr>> Server::accept(net::Timers& timers, net::StreamPtr stream, Nanoseconds time) const {
  // lifetime: the context's ALPN list is ours, so the handshake keeps what it began with.
  const auto shown = shown_;
  CO_TRY_ASSIGN(
      auto state,
      TlsStream::State::make(
          shown->context.get(), std::move(stream),
          {.clock = &clock_, .chain = true, .host_name = {}, .check = settings_.client_check, .refusal = {}}));
  SSL_set_accept_state(state->ssl.get());
  co_return co_await handshake(timers, std::move(state), time);
}

}  // namespace cages::tls
