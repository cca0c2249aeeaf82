// SPDX-License-Identifier: Apache-2.0
// The session binding (design §5, interfaces SESSION): the first exchange on an attested connection, by which the server shows
// that this very TLS session ends where its document was made. Messages and the bytes that are hashed and signed; keys and
// hashes are attest's.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace cages::wire {

inline constexpr std::string_view kSessionPath = "/.well-known/cage/session";
inline constexpr std::string_view kSessionType = "application/cbor";
inline constexpr std::string_view kSessionExporterLabel = "EXPERIMENTAL-cage-session/1";
inline constexpr std::size_t kSessionExporterBytes = 32;

struct SessionRequest {
  std::array<Byte, 32> nonce{};
  bool fresh = false;  // asks for a new document whose nonce is the transcript's hash
};

struct SessionAnswer {
  std::array<Byte, 64> signature{};        // S, ES256, r||s
  std::array<Byte, 48> document_digest{};  // SHA-384 of the document that it speaks for
  std::optional<Bytes> document;           // where fresh was asked for
};

// Both are canonical CBOR with all their keys; parsing refuses anything else with the decoder's class, MISSING or UNKNOWN_KEY.
Bytes write_session_request(const SessionRequest& request);
Result<SessionRequest> parse_session_request(ByteView bytes);
Bytes write_session_answer(const SessionAnswer& answer);
Result<SessionAnswer> parse_session_answer(ByteView bytes);

// What both ends know of one session, each from its own state.
struct SessionFacts {
  std::string host_name;            // the SNI of the handshake in lower case; empty where none was sent
  std::string cage_id;              // module_id of the document in the certificate
  std::array<Byte, 32> nonce{};     // the client's
  Bytes exporter;                   // TLS-Exporter(kSessionExporterLabel, nonce, 32)
  std::array<Byte, 48> spki_digest{};  // SHA-384 of the server's DER SubjectPublicKeyInfo
};

// session_transcript returns the bytes whose SHA-384 is T: each part with its length in two bytes before it. LIMIT where a part
// is longer than that allows.
Result<Bytes> session_transcript(const SessionFacts& facts);
// session_to_be_signed returns what S signs: ("cage-sig/1", T, SHA-384(document)), length-prefixed.
Bytes session_to_be_signed(const std::array<Byte, 48>& transcript_digest, const std::array<Byte, 48>& document_digest);

}  // namespace cages::wire
