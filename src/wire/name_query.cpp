// SPDX-License-Identifier: Apache-2.0
#include "wire/name_query.h"

#include "base/limits.h"
#include "wire/frame.h"

namespace cages::wire {
namespace {

enum Type : std::uint64_t { kQuery = 82, kAnswer = 83 };

}  // namespace

Bytes write_name_query(const NameQuery& query) {
  return FrameWriter(kQuery, kEgressVersion, 4)
      .uint(1, query.id)
      .text(2, query.name)
      .uint(3, query.type)
      .bytes(4, query.list)
      .take();
}

Bytes write_name_answer(const NameAnswer& answer) {
  return FrameWriter(kAnswer, kEgressVersion, 3)
      .uint(1, answer.id)
      .uint(2, static_cast<std::uint64_t>(answer.code))
      .bytes(3, answer.message)
      .take();
}

Result<NameQuery> parse_name_query(ByteView payload) {
  TRY_ASSIGN(const Frame frame, parse_frame(payload));
  TRY(expect_type(frame, kQuery, kEgressVersion, "name query"));
  TRY_ASSIGN(FieldReader fields, FieldReader::open(frame.fields));
  NameQuery query;
  TRY_ASSIGN(query.id, fields.uint(1, "id"));
  TRY_ASSIGN(const std::string_view name, fields.text(2, "name", limits::kHostNameBytesMax));
  query.name = name;
  TRY_ASSIGN(const std::uint64_t type, fields.uint(3, "type"));
  if (type > 65535) return fail(Code::TYPE, "type", "at most 65535", std::to_string(type));
  query.type = static_cast<std::uint16_t>(type);
  TRY(fields.fixed(4, "list", query.list));
  TRY(fields.finish());
  return query;
}

Result<NameAnswer> parse_name_answer(ByteView payload) {
  TRY_ASSIGN(const Frame frame, parse_frame(payload));
  TRY(expect_type(frame, kAnswer, kEgressVersion, "name answer"));
  TRY_ASSIGN(FieldReader fields, FieldReader::open(frame.fields));
  NameAnswer answer;
  TRY_ASSIGN(answer.id, fields.uint(1, "id"));
  TRY_ASSIGN(answer.code, read_egress_code(fields, 2));
  TRY_ASSIGN(const ByteView message, fields.bytes(3, "message", limits::kDnsMessageBytesMax));
  answer.message = to_bytes(message);
  TRY(fields.finish());
  return answer;
}

}  // namespace cages::wire
