// SPDX-License-Identifier: Apache-2.0
#include "tls/settings.h"

#include "base/limits.h"

namespace cages::tls {

Result<ContextPtr> make_context(Side side) {
  ContextPtr context(SSL_CTX_new(side == Side::server ? TLS_server_method() : TLS_client_method()));
  if (!context) return fail(Code::INTERNAL, "SSL_CTX_new", "", last_error());
  SSL_CTX* c = context.get();
  SSL_CTX_set_security_level(c, 2);
  const bool good = SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION) == 1 &&
                    SSL_CTX_set_max_proto_version(c, TLS1_3_VERSION) == 1 &&
                    SSL_CTX_set_ciphersuites(c, kCiphers) == 1 && SSL_CTX_set1_groups_list(c, kGroups) == 1 &&
                    SSL_CTX_set1_sigalgs_list(c, kSignatures) == 1 && SSL_CTX_set_num_tickets(c, 0) == 1 &&
                    SSL_CTX_set_max_early_data(c, 0) == 1 && SSL_CTX_set_recv_max_early_data(c, 0) == 1;
  if (!good) return fail(Code::INTERNAL, "TLS settings", "", last_error());
  SSL_CTX_set_options(c, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                             SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_psk_find_session_callback(c, nullptr);
  SSL_CTX_set_psk_use_session_callback(c, nullptr);
  // Idle connections give their record buffers back. A write may be retried from another buffer: we keep none of the
  // caller's. What is sent is the identity's chain and nothing that happens to be among the roots.
  SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_ENABLE_PARTIAL_WRITE |
                          SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_max_cert_list(c, static_cast<long>(limits::kTlsCertificateListBytesMax));
  SSL_CTX_set_verify_depth(c, limits::kTlsChainDepthMax);
  return context;
}

Result<Bytes> alpn_wire(std::span<const std::string> protocols) {
  Bytes wire;
  for (const std::string& protocol : protocols) {
    if (protocol.empty() || protocol.size() > 255)
      return fail(Code::TLS_SETUP, "ALPN", "1 to 255 bytes", printable(protocol));
    wire.push_back(static_cast<Byte>(protocol.size()));
    append(wire, as_bytes(protocol));
  }
  return wire;
}

}  // namespace cages::tls
