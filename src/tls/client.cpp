// SPDX-License-Identifier: Apache-2.0
#include "tls/client.h"

#include "tls/settings.h"
#include "tls/state.h"

namespace cages::tls {

struct Client::Parts {
  ContextPtr context;
};

Client::Client(ClientSettings settings, const Clock& clock, std::unique_ptr<Parts> parts)
    : settings_(std::move(settings)), clock_(clock), parts_(std::move(parts)) {}
Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::make(ClientSettings settings, const Clock& clock) {
  auto parts = std::make_unique<Parts>();
  TRY_ASSIGN(parts->context, make_context(Side::client));
  SSL_CTX* context = parts->context.get();
  if (settings.server_identity == ServerIdentity::chain_and_name) {
    TRY(fill(SSL_CTX_get_cert_store(context), settings.roots));
  } else if (!settings.server_check) {
    return fail(Code::TLS_SETUP, "server_identity", "a server_check that decides", "none");
  }
  TRY_ASSIGN(const Bytes alpn, alpn_wire(settings.alpn));
  // SSL_CTX_set_alpn_protos returns 0 on success.
  if (!alpn.empty() && SSL_CTX_set_alpn_protos(context, alpn.data(), static_cast<unsigned>(alpn.size())) != 0) {
    return fail(Code::TLS_SETUP, "ALPN", "", last_error());
  }
  if (settings.identity) TRY(settings.identity->use(context));
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  set_judge(context);
  return std::unique_ptr<Client>(new Client(std::move(settings), clock, std::move(parts)));
}

Task<Result<TlsStreamPtr>> Client::connect(net::Timers& timers, net::StreamPtr stream, std::string host_name,
                                           PeerCheck check, Nanoseconds time) const {
  // An empty name would ask for none.
  if (host_name.empty()) co_return fail(Code::TLS_SETUP, "host name", "a name or an address", "nothing");
  const bool chain = settings_.server_identity == ServerIdentity::chain_and_name;
  auto both = [first = settings_.server_check, then = std::move(check)](const std::vector<Bytes>& der) -> Result<void> {
    if (first) TRY(first(der));
    if (then) TRY(then(der));
    return {};
  };
  CO_TRY_ASSIGN(
      auto state,
      TlsStream::State::make(
          parts_->context.get(), std::move(stream),
          {.clock = &clock_, .chain = chain, .host_name = host_name, .check = std::move(both), .refusal = {}}));
  SSL_set_connect_state(state->ssl.get());
  // RFC 6066 §3: literal addresses are not sent.
  const bool name =
      host_name.find(':') == std::string::npos && host_name.find_first_not_of("0123456789.") != std::string::npos;
  if (name && SSL_set_tlsext_host_name(state->ssl.get(), host_name.c_str()) != 1) {
    co_return fail(Code::TLS_SETUP, "host name", "a DNS name", printable(host_name));
  }
  co_return co_await handshake(timers, std::move(state), time);
}

}  // namespace cages::tls
