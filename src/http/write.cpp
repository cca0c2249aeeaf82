// SPDX-License-Identifier: Apache-2.0
#include "http/write.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"

namespace cages::http {
namespace {

// Written from Framing and keep-alive, never from a caller's fields.
constexpr std::array<std::string_view, 6> kOwn{"Connection",     "Keep-Alive", "Transfer-Encoding",
                                               "Content-Length", "Upgrade",    "Host"};

Result<void> write_fields(std::string& out, const Headers& headers) {
  for (const Header& header : headers) {
    if (std::ranges::any_of(kOwn, [&](std::string_view own) { return ascii_iequal(own, header.name); })) continue;
    if (!is_token(header.name) || !is_field_value(header.value)) {
      return fail(Code::INTERNAL, "header", "a field that fits a head", printable(header.name));
    }
    out += header.name;
    out += ": ";
    out += header.value;
    out += "\r\n";
  }
  return {};
}

void write_framing(std::string& out, const Framing& framing) {
  if (framing.kind == BodyKind::length) out += "Content-Length: " + std::to_string(framing.length) + "\r\n";
  if (framing.kind == BodyKind::chunked) out += "Transfer-Encoding: chunked\r\n";
}

Result<void> write_connection(std::string& out, const std::string& upgrade, bool keep_alive) {
  if (!upgrade.empty()) {
    if (!is_token(upgrade)) return fail(Code::INTERNAL, "upgrade", "a token", printable(upgrade));
    out += "Connection: upgrade\r\nUpgrade: " + upgrade + "\r\n";
  } else if (!keep_alive) {
    out += "Connection: close\r\n";
  }
  return {};
}

}  // namespace

Result<std::string> write_request(const RequestHead& head, const Framing& framing, bool keep_alive) {
  const bool target =
      !head.target.empty() && std::ranges::all_of(head.target, [](char c) { return c > 0x20 && c < 0x7f; });
  if (!is_token(head.method) || !target || !is_field_value(head.authority)) {
    return fail(Code::INTERNAL, "request", "a method, target and host that fit a head", printable(head.target));
  }
  std::string out = head.method + " " + head.target + " HTTP/1.1\r\nHost: " + head.authority + "\r\n";
  TRY(write_fields(out, head.headers));
  write_framing(out, framing);
  TRY(write_connection(out, head.upgrade, keep_alive));
  out += "\r\n";
  return out;
}

Result<std::string> write_response(const ResponseHead& head, const Framing& framing, bool keep_alive) {
  if (head.status < 100 || head.status > 599)
    return fail(Code::INTERNAL, "status", "100..599", std::to_string(head.status));
  std::string out = "HTTP/1.1 " + std::to_string(head.status) + " ";
  out += reason_phrase(head.status);
  out += "\r\n";
  TRY(write_fields(out, head.headers));
  if (head.declared_length) {
    out += "Content-Length: " + std::to_string(*head.declared_length) + "\r\n";
  } else {
    write_framing(out, framing);
  }
  TRY(write_connection(out, head.status == 101 ? head.upgrade : "", keep_alive));
  out += "\r\n";
  return out;
}

std::string write_chunk_head(std::uint64_t size) {
  std::array<char, 16> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16);
  return std::string(digits.data(), end) + "\r\n";
}

Result<std::string> write_last_chunk(const Headers& trailers) {
  std::string out = "0\r\n";
  TRY(write_fields(out, trailers));
  out += "\r\n";
  return out;
}

std::string_view reason_phrase(int status) {
  struct Phrase {
    int status;
    std::string_view text;
  };
  static constexpr auto kPhrases = std::to_array<Phrase>({
      {100, "Continue"},
      {101, "Switching Protocols"},
      {103, "Early Hints"},
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {206, "Partial Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {417, "Expectation Failed"},
      {421, "Misdirected Request"},
      {422, "Unprocessable Content"},
      {425, "Too Early"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
  });
  const auto* found = std::ranges::find(kPhrases, status, &Phrase::status);
  return found == kPhrases.end() ? "Status" : found->text;
}

}  // namespace cages::http
