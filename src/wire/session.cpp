// SPDX-License-Identifier: Apache-2.0
#include "wire/session.h"

#include <algorithm>

#include "wire/cbor.h"

namespace cages::wire {
namespace {

constexpr std::string_view kSessionLabel = "cage-session/1";
// Who proves something here; a proof of the other direction would say "client".
constexpr std::string_view kRole = "server";
constexpr std::string_view kSignatureLabel = "cage-sig/1";

void append_prefixed(Bytes& to, ByteView part) {
  to.push_back(static_cast<Byte>(part.size() >> 8));
  to.push_back(static_cast<Byte>(part.size()));
  append(to, part);
}

}  // namespace

Bytes write_session_request(const SessionRequest& request) {
  return CborWriter().map(2).uint(1).bytes(request.nonce).uint(2).boolean(request.fresh).take();
}

Result<SessionRequest> parse_session_request(ByteView bytes) {
  CborReader reader(bytes);
  SessionRequest result;
  TRY_ASSIGN(const std::uint64_t pairs, reader.read_map("session request"));
  if (pairs != 2) return fail(Code::MISSING, "session request", "2 pairs", std::to_string(pairs));
  TRY(reader.read_key(1));
  TRY(reader.read_fixed("nonce", result.nonce));
  TRY(reader.read_key(2));
  TRY_ASSIGN(result.fresh, reader.read_bool("fresh"));
  TRY(reader.finish());
  return result;
}

Bytes write_session_answer(const SessionAnswer& answer) {
  CborWriter writer;
  writer.map(answer.document ? 3 : 2).uint(1).bytes(answer.signature).uint(2).bytes(answer.document_digest);
  if (answer.document) writer.uint(3).bytes(*answer.document);
  return writer.take();
}

Result<SessionAnswer> parse_session_answer(ByteView bytes) {
  CborReader reader(bytes);
  SessionAnswer result;
  TRY_ASSIGN(const std::uint64_t pairs, reader.read_map("session answer"));
  if (pairs != 2 && pairs != 3) return fail(Code::MISSING, "session answer", "2 or 3 pairs", std::to_string(pairs));
  TRY(reader.read_key(1));
  TRY(reader.read_fixed("signature", result.signature));
  TRY(reader.read_key(2));
  TRY(reader.read_fixed("document digest", result.document_digest));
  if (pairs == 3) {
    TRY(reader.read_key(3));
    TRY_ASSIGN(const ByteView document, reader.read_bytes("document"));
    result.document = to_bytes(document);
  }
  TRY(reader.finish());
  return result;
}

Result<Bytes> session_transcript(const SessionFacts& facts) {
  Bytes out;
  for (const ByteView part : {as_bytes(kSessionLabel), as_bytes(kRole), as_bytes(facts.host_name), as_bytes(facts.cage_id),
                              ByteView(facts.nonce), ByteView(facts.exporter), ByteView(facts.spki_digest)}) {
    if (part.size() > 0xffff) return fail(Code::LIMIT, "session", "65535 bytes a part", std::to_string(part.size()));
    append_prefixed(out, part);
  }
  return out;
}

Bytes session_to_be_signed(const std::array<Byte, 48>& transcript_digest, const std::array<Byte, 48>& document_digest) {
  Bytes out;
  append_prefixed(out, as_bytes(kSignatureLabel));
  append_prefixed(out, transcript_digest);
  append_prefixed(out, document_digest);
  return out;
}

}  // namespace cages::wire
