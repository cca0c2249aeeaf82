// SPDX-License-Identifier: Apache-2.0
// A connection's OpenSSL session with the stream below it, joined by memory BIOs, so that OpenSSL never does I/O. For
// tls/ alone.
#pragma once

#include <memory>

#include "net/event.h"
#include "net/timers.h"
#include "tls/handles.h"
#include "tls/stream.h"
#include "tls/verify.h"

namespace cages::tls {

struct TlsStream::State {
  SslPtr ssl;
  net::StreamPtr below;
  PeerJudge judge;
  unsigned post_handshake_messages = 0;
  bool handshaken = false;
  bool flushing = false;
  net::Event flushed;

  // make joins a session of `context` to `below`.
  static Result<std::unique_ptr<State>> make(SSL_CTX* context, net::StreamPtr below, PeerJudge judge);
  static State& of(const SSL* ssl) { return *static_cast<State*>(SSL_get_app_data(ssl)); }

  // flush hands what OpenSSL has written to the stream below; one at a time, in order.
  Task<Result<void>> flush();
  // feed reads once from below; CLOSED where that ended.
  Task<Result<void>> feed(std::span<Byte> buffer, std::size_t& count);
  // failure turns what SSL_get_error said into an error of ours, and empties OpenSSL's queue.
  Error failure(int ssl_error, Code otherwise);
};

// handshake drives one to its end within `time`: TIMEOUT, the judge's refusal, TLS_ALERT or TLS_HANDSHAKE else.
Task<Result<TlsStreamPtr>> handshake(net::Timers& timers, std::unique_ptr<TlsStream::State> state, Nanoseconds time);

}  // namespace cages::tls
