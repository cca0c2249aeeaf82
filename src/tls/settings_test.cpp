// SPDX-License-Identifier: Apache-2.0
// Every TLS setting against a golden file, as OpenSSL holds it and as the wire shows it; and peers that ask for less.
#include "tls/settings.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/file.h"
#include "base/limits.h"
#include "net/event_loop.h"
#include "net/memory.h"
#include "support/pki.h"
#include "tls/server.h"
#include "tls/state.h"

namespace cages::tls {
namespace {

std::string context_text(const char* name, SSL_CTX* c) {
  std::string text = std::string(name) + "\n";
  auto line = [&](const char* what, std::uint64_t value) { text += std::string("  ") + what + " " + std::to_string(value) + "\n"; };
  line("min_version", static_cast<std::uint64_t>(SSL_CTX_get_min_proto_version(c)));
  line("max_version", static_cast<std::uint64_t>(SSL_CTX_get_max_proto_version(c)));
  line("options", SSL_CTX_get_options(c));
  line("mode", static_cast<std::uint64_t>(SSL_CTX_get_mode(c)));
  line("security_level", static_cast<std::uint64_t>(SSL_CTX_get_security_level(c)));
  line("tickets", SSL_CTX_get_num_tickets(c));
  line("early_data_max", SSL_CTX_get_max_early_data(c));
  line("early_data_read_max", SSL_CTX_get_recv_max_early_data(c));
  line("session_cache", static_cast<std::uint64_t>(SSL_CTX_get_session_cache_mode(c)));
  line("verify_depth", static_cast<std::uint64_t>(SSL_CTX_get_verify_depth(c)));
  line("certificate_list_bytes_max", static_cast<std::uint64_t>(SSL_CTX_get_max_cert_list(c)));
  // The ciphers that a session may use; OpenSSL also keeps a list for older versions, which the version bounds rule out.
  const SslPtr ssl(SSL_new(c));
  STACK_OF(SSL_CIPHER)* ciphers = SSL_get1_supported_ciphers(ssl.get());
  for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); ++i) {
    text += std::string("  cipher ") + SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, i)) + "\n";
  }
  sk_SSL_CIPHER_free(ciphers);
  return text;
}

// Extensions of the ClientHello as sent, without what is random.
std::string hello_text(SSL_CTX* context) {
  const SslPtr ssl(SSL_new(context));
  BIO* out = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), out);
  SSL_set_connect_state(ssl.get());
  SSL_do_handshake(ssl.get());
  ERR_clear_error();
  char* data = nullptr;
  const auto length = static_cast<std::size_t>(BIO_get_mem_data(out, &data));
  const ByteView record(reinterpret_cast<const Byte*>(data), length);
  auto u16 = [&](std::size_t at) { return std::size_t{record[at]} << 8 | record[at + 1]; };
  std::size_t at = 5 + 4 + 2 + 32;
  at += 1 + record[at];
  std::string text = "client_hello\n  ciphers " + hex(record.subspan(at + 2, u16(at))) + "\n";
  at += 2 + u16(at);
  at += 1 + record[at] + 2;
  while (at < record.size()) {
    const std::size_t type = u16(at);
    const std::size_t size = u16(at + 2);
    constexpr std::size_t kKeyShare = 51;
    const ByteView body = record.subspan(at + 4, type == kKeyShare ? 4 : size);
    text += "  extension " + std::to_string(type) + " " + hex(body) + "\n";
    at += 4 + size;
  }
  return text;
}

TEST(Settings, AreTheGoldenOnes) {
  const auto server = make_context(Side::server).value();
  const auto client = make_context(Side::client).value();
  const std::string text =
      context_text("server", server.get()) + context_text("client", client.get()) + hello_text(client.get());
  const auto golden = read_file(std::string(CAGES_SOURCE_DIR) + "/src/tls/settings.golden", 65536);
  EXPECT_EQ(text, golden ? std::string(as_text(*golden)) : "") << "if this is meant, replace src/tls/settings.golden";
}

TEST(Settings, AlpnNamesAreBounded) {
  const std::vector<std::string> good{"h2", "http/1.1"};
  EXPECT_EQ(hex(alpn_wire(good).value()), "02683208687474702f312e31");
  const std::vector<std::string> empty{""};
  EXPECT_EQ(alpn_wire(empty).error().code, Code::TLS_SETUP);
  const std::vector<std::string> longer{std::string(256, 'x')};
  EXPECT_EQ(alpn_wire(longer).error().code, Code::TLS_SETUP);
}

// A client of bare OpenSSL, set up by `weaken`, against our server.
struct Weak : testing::Test {
  ManualClock clock;
  net::EventLoop loop{clock};
  test::Issued ca = test::authority("CA", clock.wall());
  test::Issued leaf = test::leaf(ca, "CA", {"cage.localhost"}, clock.wall());
  std::unique_ptr<Server> server =
      Server::make({.identity = test::identity(leaf), .alpn = {}, .client_roots = {}, .client_check = {}}, clock).value();

  Code outcome(const std::function<void(SSL_CTX*)>& weaken, const std::function<void(SSL*)>& after = {}) {
    Code code = Code::INTERNAL;
    const ContextPtr context(SSL_CTX_new(TLS_client_method()));
    weaken(context.get());
    loop.run([&]() -> Task<void> {
      auto [near, far] = net::memory_pair();
      auto state = TlsStream::State::make(context.get(), std::move(near), {}).value();
      SSL_set_connect_state(state->ssl.get());
      auto client = [&]() -> Task<void> {
        SSL* ssl = state->ssl.get();
        auto shaken = co_await handshake(loop.timers(), std::move(state), limits::kTlsHandshakeTime);
        if (!shaken) co_return;
        if (after) after(ssl);
        std::ignore = co_await (*shaken)->write_all(as_bytes("x"));
        Byte byte = 0;
        std::ignore = co_await (*shaken)->read_some({&byte, 1});
        EXPECT_EQ(SSL_SESSION_is_resumable(SSL_get_session(ssl)), 0) << "no ticket was given";
      };
      auto serve = [&]() -> Task<void> {
        auto accepted = co_await server->accept(loop.timers(), std::move(far));
        if (!accepted) {
          code = accepted.error().code;
          co_return;
        }
        Bytes buffer(16);
        const auto read = co_await (*accepted)->read_some(buffer);
        code = read ? Code::EXISTS : read.error().code;
        std::ignore = co_await (*accepted)->shutdown_write();
      };
      co_await net::together(client(), serve());
    }());
    return code;
  }
};

TEST_F(Weak, APlainModernClientIsServedWithoutATicket) {
  EXPECT_EQ(outcome([](SSL_CTX*) {}), Code::EXISTS);
}

TEST_F(Weak, OlderVersionsAreRefused) {
  EXPECT_EQ(outcome([](SSL_CTX* c) { SSL_CTX_set_max_proto_version(c, TLS1_2_VERSION); }), Code::TLS_HANDSHAKE);
}

TEST_F(Weak, OtherGroupsAndCiphersAreRefused) {
  EXPECT_EQ(outcome([](SSL_CTX* c) { SSL_CTX_set1_groups_list(c, "P-521:X448"); }), Code::TLS_HANDSHAKE);
  EXPECT_EQ(outcome([](SSL_CTX* c) {
              SSL_CTX_set_security_level(c, 0);
              SSL_CTX_set_ciphersuites(c, "TLS_AES_128_CCM_8_SHA256");
            }),
            Code::TLS_HANDSHAKE);
}

TEST_F(Weak, AFloodOfKeyUpdatesIsRefused) {
  auto ask = [](SSL* ssl) {
    for (unsigned i = 0; i <= limits::kTlsPostHandshakeMessagesMax; ++i) {
      SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED);
      SSL_do_handshake(ssl);
    }
  };
  EXPECT_EQ(outcome([](SSL_CTX*) {}, ask), Code::LIMIT);
}

}  // namespace
}  // namespace cages::tls
