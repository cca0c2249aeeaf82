// SPDX-License-Identifier: Apache-2.0
// TlsStream: a TLS 1.3 session as a Stream over a Stream. Made by tls/server.h and tls/client.h only, after a whole
// handshake. For whatever carries bytes that only the peer may read.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/stream.h"

namespace cages::tls {

// A caller's own check of the peer, asked during the handshake with the certificates that the peer sent (DER, leaf
// first), after chain and name were found good. An error ends the handshake and is what the caller gets.
using PeerCheck = std::function<Result<void>(const std::vector<Bytes>& chain_der)>;

class TlsStream final : public net::Stream {
 public:
  struct State;
  explicit TlsStream(std::unique_ptr<State> state);
  ~TlsStream() override;
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  // read_some: CLOSED where the stream below ends without close_notify, so that a cut never looks like an end;
  // TLS_RECORD on broken records.
  Task<Result<std::size_t>> read_some(std::span<Byte> into) override;
  Task<Result<void>> write_all(ByteView bytes) override;
  // shutdown_write sends close_notify (RFC 8446 §6.1) and half-closes the stream below.
  Task<Result<void>> shutdown_write() override;
  void close(Code reason = Code::CLOSED) override;

  // exporter: keying material of this session (RFC 8446 §7.5, RFC 5705).
  [[nodiscard]] Result<Bytes> exporter(std::string_view label, ByteView context, std::size_t length) const;
  // peer_chain returns the peer's certificates as it sent them, DER, leaf first; empty where it has shown none.
  [[nodiscard]] std::vector<Bytes> peer_chain() const;
  // own_leaf returns the leaf certificate that this side showed in this very session, DER; empty where it showed none.
  [[nodiscard]] Bytes own_leaf() const;
  // peer_spki: DER SubjectPublicKeyInfo of the peer's leaf; empty where it has shown none.
  [[nodiscard]] Bytes peer_spki() const;
  // alpn returns the protocol agreed on, or nothing.
  [[nodiscard]] std::string alpn() const;
  // server_name returns the SNI of the handshake, or nothing.
  [[nodiscard]] std::string server_name() const;
  [[nodiscard]] std::string cipher() const;

 private:
  std::unique_ptr<State> state_;
};
using TlsStreamPtr = std::unique_ptr<TlsStream>;

}  // namespace cages::tls
