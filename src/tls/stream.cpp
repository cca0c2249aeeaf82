// SPDX-License-Identifier: Apache-2.0
#include "tls/stream.h"

#include <algorithm>

#include "base/limits.h"
#include "net/deadline.h"
#include "net/read_buffer.h"
#include "tls/state.h"

namespace cages::tls {
namespace {

// A peer may ask for new keys, or a server offer tickets, as often as it likes; we answer so many times a connection.
void count_messages(int write, int, int content, const void* data, std::size_t size, SSL* ssl, void*) {
  auto& state = TlsStream::State::of(ssl);
  if (write != 0 || content != SSL3_RT_HANDSHAKE || size == 0 || data == nullptr || !state.handshaken) return;
  ++state.post_handshake_messages;
}

Bytes der_of(const X509* certificate) {
  unsigned char* out = nullptr;
  const int length = i2d_X509(certificate, &out);
  if (length <= 0) return {};
  Bytes der(out, out + length);
  OPENSSL_free(out);
  return der;
}

}  // namespace

Result<std::unique_ptr<TlsStream::State>> TlsStream::State::make(SSL_CTX* context, net::StreamPtr below,
                                                                 PeerJudge judge) {
  auto state = std::make_unique<State>();
  state->ssl.reset(SSL_new(context));
  BioPtr in(BIO_new(BIO_s_mem()));
  BioPtr out(BIO_new(BIO_s_mem()));
  if (!state->ssl || !in || !out) return fail(Code::INTERNAL, "SSL_new", "", last_error());
  // An empty BIO means "not yet", not "the end".
  BIO_set_mem_eof_return(in.get(), -1);
  BIO_set_mem_eof_return(out.get(), -1);
  SSL_set_bio(state->ssl.get(), in.release(), out.release());
  SSL_set_app_data(state->ssl.get(), state.get());
  SSL_set_msg_callback(state->ssl.get(), count_messages);
  state->below = std::move(below);
  state->judge = std::move(judge);
  return state;
}

Task<Result<void>> TlsStream::State::flush() {
  while (flushing) co_await flushed.wait();
  struct Turn {
    State& state;
    explicit Turn(State& s) : state(s) { state.flushing = true; }
    ~Turn() {
      state.flushing = false;
      state.flushed.notify();
    }
  };
  BIO* out = SSL_get_wbio(ssl.get());
  if (BIO_pending(out) == 0) co_return Result<void>();
  const Turn turn(*this);
  Bytes piece;
  while (const auto pending = static_cast<std::size_t>(BIO_pending(out))) {
    piece.resize(pending);
    if (BIO_read(out, piece.data(), static_cast<int>(piece.size())) != static_cast<int>(piece.size())) {
      co_return fail(Code::INTERNAL, "BIO_read");
    }
    CO_TRY(co_await below->write_all(piece));
  }
  co_return Result<void>();
}

Task<Result<void>> TlsStream::State::feed(std::span<Byte> buffer, std::size_t& count) {
  CO_TRY_ASSIGN(count, co_await below->read_some(buffer));
  if (count == 0) co_return fail(Code::CLOSED, "TLS", "close_notify", "the end of the stream");
  if (BIO_write(SSL_get_rbio(ssl.get()), buffer.data(), static_cast<int>(count)) != static_cast<int>(count)) {
    co_return fail(Code::INTERNAL, "BIO_write");
  }
  co_return Result<void>();
}

Error TlsStream::State::failure(int ssl_error, Code otherwise) {
  if (judge.refusal) {
    ERR_clear_error();
    return *judge.refusal;
  }
  const unsigned long code = ERR_peek_error();
  const bool alert =
      ssl_error == SSL_ERROR_SSL && ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) >= SSL_AD_REASON_OFFSET;
  return Error(alert ? Code::TLS_ALERT : otherwise, "", "", last_error());
}

Task<Result<TlsStreamPtr>> handshake(net::Timers& timers, std::unique_ptr<TlsStream::State> state, Nanoseconds time) {
  const net::Deadline deadline(timers, *state->below, time);
  Bytes buffer(limits::kTlsRecordBytesMax);
  for (;;) {
    ERR_clear_error();
    const int done = SSL_do_handshake(state->ssl.get());
    const int error = SSL_get_error(state->ssl.get(), done);
    std::optional<Error> failed;
    if (done != 1 && error != SSL_ERROR_WANT_READ) failed = state->failure(error, Code::TLS_HANDSHAKE);
    // The alert that says why goes out first, if it can.
    const auto sent = co_await state->flush();
    if (failed) co_return fail(std::move(*failed));
    CO_TRY(sent);
    if (done == 1) break;
    std::size_t count = 0;
    CO_TRY(co_await state->feed(buffer, count));
  }
  state->handshaken = true;
  co_return std::make_unique<TlsStream>(std::move(state));
}

TlsStream::TlsStream(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsStream::~TlsStream() = default;

Task<Result<std::size_t>> TlsStream::read_some(std::span<Byte> into) {
  net::ReadBuffer buffer(limits::kTlsRecordBytesMax);
  for (;;) {
    ERR_clear_error();
    std::size_t n = 0;
    const int done = SSL_read_ex(state_->ssl.get(), into.data(), into.size(), &n);
    if (state_->post_handshake_messages > limits::kTlsPostHandshakeMessagesMax) {
      state_->below->close();
      co_return fail(Code::LIMIT, "TLS", std::to_string(limits::kTlsPostHandshakeMessagesMax) + " key updates", "more");
    }
    if (done == 1) co_return n;
    const int error = SSL_get_error(state_->ssl.get(), done);
    if (error == SSL_ERROR_ZERO_RETURN) co_return std::size_t{0};
    if (error != SSL_ERROR_WANT_READ) {
      const Error failed = state_->failure(error, Code::TLS_RECORD);
      std::ignore = co_await state_->flush();
      co_return fail(failed);
    }
    std::size_t count = 0;
    CO_TRY(co_await state_->feed(buffer.next(), count));
    buffer.adapt(count);
  }
}

Task<Result<void>> TlsStream::write_all(ByteView bytes) {
  while (!bytes.empty()) {
    ERR_clear_error();
    std::size_t n = 0;
    const std::size_t part = std::min(bytes.size(), limits::kTlsRecordBytesMax);
    const int done = SSL_write_ex(state_->ssl.get(), bytes.data(), part, &n);
    if (done != 1) co_return fail(state_->failure(SSL_get_error(state_->ssl.get(), done), Code::CLOSED));
    bytes = bytes.subspan(n);
    CO_TRY(co_await state_->flush());
  }
  co_return Result<void>();
}

Task<Result<void>> TlsStream::shutdown_write() {
  ERR_clear_error();
  SSL_shutdown(state_->ssl.get());
  ERR_clear_error();
  CO_TRY(co_await state_->flush());
  co_return co_await state_->below->shutdown_write();
}

void TlsStream::close(Code reason) { state_->below->close(reason); }

Result<Bytes> TlsStream::exporter(std::string_view label, ByteView context, std::size_t length) const {
  Bytes out(length);
  if (SSL_export_keying_material(state_->ssl.get(), out.data(), out.size(), label.data(), label.size(), context.data(),
                                 context.size(), 1) != 1) {
    return fail(Code::INTERNAL, "exporter", "", last_error());
  }
  return out;
}

std::vector<Bytes> TlsStream::peer_chain() const {
  std::vector<Bytes> chain;
  const X509* leaf = SSL_get0_peer_certificate(state_->ssl.get());
  if (leaf == nullptr) return chain;
  chain.push_back(der_of(leaf));
  // A client's list begins with the leaf, a server's view of a client's does not (SSL_get_peer_cert_chain(3)).
  const STACK_OF(X509)* sent = SSL_get_peer_cert_chain(state_->ssl.get());
  for (int i = SSL_is_server(state_->ssl.get()) == 1 ? 0 : 1; i < sk_X509_num(sent); ++i) {
    chain.push_back(der_of(sk_X509_value(sent, i)));
  }
  return chain;
}

Bytes TlsStream::own_leaf() const {
  const X509* leaf = SSL_get_certificate(state_->ssl.get());
  return leaf == nullptr ? Bytes() : der_of(leaf);
}

Bytes TlsStream::peer_spki() const {
  const X509* leaf = SSL_get0_peer_certificate(state_->ssl.get());
  if (leaf == nullptr) return {};
  unsigned char* out = nullptr;
  const int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &out);
  if (length <= 0) return {};
  Bytes spki(out, out + length);
  OPENSSL_free(out);
  return spki;
}

std::string TlsStream::alpn() const {
  const unsigned char* name = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(state_->ssl.get(), &name, &length);
  return name == nullptr ? std::string() : std::string(as_text({name, length}));
}

std::string TlsStream::server_name() const {
  const char* name = SSL_get_servername(state_->ssl.get(), TLSEXT_NAMETYPE_host_name);
  return name == nullptr ? std::string() : std::string(name);
}

std::string TlsStream::cipher() const { return SSL_get_cipher_name(state_->ssl.get()); }

}  // namespace cages::tls
