// SPDX-License-Identifier: Apache-2.0
#include "wire/compact_jwt.h"

#include <algorithm>

#include "base/check.h"
#include "base/text.h"

namespace cages::wire {
namespace {

constexpr std::size_t kSignatureBytes = 64;
constexpr std::string_view kHeaderEnd = R"("})";

std::string header_start(std::string_view type) {
  return R"({"alg":"ES256","typ":")" + std::string(type) + R"(","kid":")";
}

bool is_base64url(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

bool is_ours(std::string_view header, std::string_view start) {
  return header.size() == start.size() + kTokenKeyIdBytes + kHeaderEnd.size() && header.starts_with(start) &&
         header.ends_with(kHeaderEnd) && is_base64url(header.substr(start.size(), kTokenKeyIdBytes));
}

std::unexpected<Error> bad_format(std::string what) {
  return fail(Code::TOKEN_FORMAT, "", "the canonical form of docs/protocol.md", std::move(what));
}

}  // namespace

std::string write_jwt_head(std::string_view type, std::string_view key_id, std::string_view payload) {
  std::string header = header_start(type);
  header += key_id;
  header += kHeaderEnd;
  return base64url(as_bytes(header)) + '.' + base64url(as_bytes(payload));
}

std::string write_jwt(std::string_view head, ByteView signature) { return std::string(head) + '.' + base64url(signature); }

Result<CompactJwt> parse_jwt(std::string_view text, std::string_view type, std::size_t bytes_max) {
  if (text.size() > bytes_max) {
    return fail(Code::LIMIT, "token", std::to_string(bytes_max) + " bytes", std::to_string(text.size()));
  }
  const auto parts = split(text, '.');
  if (parts.size() != 3) return bad_format(std::to_string(parts.size()) + " parts");
  const auto header = parse_base64url(parts[0]);
  const std::string start = header_start(type);
  if (!header || !CAGES_CHECK("TOKEN_HEADER", is_ours(as_text(*header), start))) return fail(Code::TOKEN_HEADER);
  const auto payload = parse_base64url(parts[1]);
  auto signature = parse_base64url(parts[2]);
  if (!payload || !signature || signature->size() != kSignatureBytes) return bad_format("bad base64url or signature");
  CompactJwt out;
  if (header->size() > start.size()) out.key_id = as_text(*header).substr(start.size(), kTokenKeyIdBytes);
  out.payload = as_text(*payload);
  out.signed_part = text.substr(0, parts[0].size() + 1 + parts[1].size());
  out.signature = std::move(*signature);
  return out;
}

}  // namespace cages::wire
