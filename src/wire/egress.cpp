// SPDX-License-Identifier: Apache-2.0
#include "wire/egress.h"

#include <algorithm>
#include <cstdlib>

#include "base/limits.h"
#include "wire/frame.h"

namespace cages::wire {
namespace {

enum Type : std::uint64_t { kOpen = 80, kAnswer = 81 };

// Cuts at a character: half of one is no text.
std::string_view cut(std::string_view text) {
  if (text.size() <= kEgressTextBytesMax) return text;
  std::size_t end = kEgressTextBytesMax;
  while (end > 0 && (static_cast<Byte>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

Result<std::variant<std::string, IpAddress>> read_target(FieldReader& fields) {
  using Target = std::variant<std::string, IpAddress>;
  TRY_ASSIGN(CborReader * reader, fields.item(1, "target"));
  TRY_ASSIGN(const CborType kind, reader->peek());
  if (kind == CborType::bytes) {
    TRY_ASSIGN(const ByteView bytes, reader->read_bytes("address"));
    const auto address = ip_from(bytes);
    if (!address) return fail(Code::TYPE, "address", "4 or 16 bytes", std::to_string(bytes.size()));
    TRY(fields.advance());
    return Target(*address);
  }
  TRY_ASSIGN(const std::string_view name, reader->read_text("name"));
  if (name.size() > limits::kHostNameBytesMax) return fail(Code::LIMIT, "name", "at most 253", std::to_string(name.size()));
  TRY(fields.advance());
  return Target(std::string(name));
}

}  // namespace

Code code_of(EgressCode code) {
  switch (code) {
    case EgressCode::refused: return Code::EGRESS_REFUSED;
    case EgressCode::address: return Code::EGRESS_ADDRESS;
    case EgressCode::resolve: return Code::EGRESS_RESOLVE;
    case EgressCode::dial: return Code::EGRESS_DIAL;
    case EgressCode::overload: return Code::EGRESS_OVERLOAD;
    case EgressCode::list: return Code::EGRESS_LIST;
    case EgressCode::ok: break;
  }
  std::abort();
}

EgressCode egress_code(Code code) {
  switch (code) {
    case Code::EGRESS_ADDRESS: return EgressCode::address;
    case Code::EGRESS_RESOLVE: return EgressCode::resolve;
    case Code::EGRESS_DIAL: return EgressCode::dial;
    case Code::EGRESS_OVERLOAD: return EgressCode::overload;
    case Code::EGRESS_LIST: return EgressCode::list;
    case Code::EGRESS_REFUSED:
    case Code::EGRESS_NAME: return EgressCode::refused;
    default: return EgressCode::dial;  // whatever else kept the host from it
  }
}

Result<EgressCode> read_egress_code(FieldReader& fields, std::uint64_t key) {
  TRY_ASSIGN(const std::uint64_t code, fields.uint(key, "code"));
  if (code > static_cast<std::uint64_t>(EgressCode::list)) return fail(Code::TYPE, "code", "a known code", std::to_string(code));
  return static_cast<EgressCode>(code);
}

Bytes write_egress(const EgressOpen& open) {
  FrameWriter writer(kOpen, kEgressVersion, 3);
  if (const auto* address = std::get_if<IpAddress>(&open.target)) {
    writer.bytes(1, address->view());
  } else {
    writer.text(1, std::get<std::string>(open.target));
  }
  return writer.uint(2, open.port).bytes(3, open.list).take();
}

Bytes write_egress(const EgressAnswer& answer) {
  return FrameWriter(kAnswer, kEgressVersion, 2)
      .uint(1, static_cast<std::uint64_t>(answer.code))
      .text(2, cut(answer.text))
      .take();
}

Result<EgressOpen> parse_egress_open(ByteView payload) {
  TRY_ASSIGN(const Frame frame, parse_frame(payload));
  TRY(expect_type(frame, kOpen, kEgressVersion, "open"));
  TRY_ASSIGN(FieldReader fields, FieldReader::open(frame.fields));
  EgressOpen open;
  TRY_ASSIGN(open.target, read_target(fields));
  TRY_ASSIGN(const std::uint64_t port, fields.uint(2, "port"));
  if (port == 0 || port > 65535) return fail(Code::TYPE, "port", "1 to 65535", std::to_string(port));
  open.port = static_cast<std::uint16_t>(port);
  TRY(fields.fixed(3, "list", open.list));
  TRY(fields.finish());
  return open;
}

Result<EgressAnswer> parse_egress_answer(ByteView payload) {
  TRY_ASSIGN(const Frame frame, parse_frame(payload));
  TRY(expect_type(frame, kAnswer, kEgressVersion, "answer"));
  TRY_ASSIGN(FieldReader fields, FieldReader::open(frame.fields));
  TRY_ASSIGN(const EgressCode code, read_egress_code(fields, 1));
  TRY_ASSIGN(const std::string_view text, fields.text(2, "text", kEgressTextBytesMax));
  TRY(fields.finish());
  return EgressAnswer{code, std::string(text)};
}

}  // namespace cages::wire
