// SPDX-License-Identifier: Apache-2.0
#include "http/parse.h"

#include <algorithm>
#include <charconv>

#include "base/check.h"
#include "base/limits.h"
#include "base/text.h"

namespace cages::http {
namespace {

constexpr std::string_view kCrlf = "\r\n";

auto syntax(std::string what, std::string_view got = {}) {
  return fail(Code::HTTP_SYNTAX, std::move(what), "", printable(got));
}
auto framing_error(std::string what, std::string_view got = {}) {
  return fail(Code::HTTP_FRAMING, std::move(what), "", printable(got));
}

// Optional white space around a value is spaces and tabs alone (RFC 9110 §5.6.3).
std::string_view trim_space(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Takes one line off the front, without its CRLF. The head was found by head_end, so that every line has one.
std::string_view take_line(std::string_view& rest) {
  const std::size_t end = rest.find(kCrlf);
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + kCrlf.size());
  return line;
}

Result<Header> parse_field(std::string_view line) {
  // RFC 9112 §5.2: a server refuses line folding; §5.1: and white space before the colon.
  if (line.front() == ' ' || line.front() == '\t') return syntax("a folded header line");
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return syntax("a header line without a colon", line);
  const std::string_view name = line.substr(0, colon);
  if (!CAGES_CHECK("HTTP_HEADER_NAME", is_token(name))) return syntax("a header name", name);
  const std::string_view value = trim_space(line.substr(colon + 1));
  if (!CAGES_CHECK("HTTP_HEADER_VALUE", is_field_value(value)))
    return syntax("a header value with control characters", name);
  return Header{std::string(name), std::string(value)};
}

Result<Headers> parse_fields(std::string_view rest) {
  Headers headers;
  for (;;) {
    const std::string_view line = take_line(rest);
    if (line.empty()) break;
    if (headers.size() == limits::kHttpHeadersMax) {
      return fail(Code::LIMIT, "headers", "at most " + std::to_string(limits::kHttpHeadersMax), "more");
    }
    TRY_ASSIGN(Header header, parse_field(line));
    headers.add(std::move(header.name), std::move(header.value));
  }
  if (!rest.empty()) return syntax("bytes after the head");
  return headers;
}

// RFC 9110 §8.6: digits alone, and once: a list of equal values is valid but nobody honest sends one.
Result<std::uint64_t> parse_content_length(const Headers& headers) {
  constexpr std::size_t kDigitsMax = 18;
  if (!CAGES_CHECK("HTTP_CONTENT_LENGTH_TWICE", headers.count("Content-Length") == 1))
    return framing_error("two Content-Lengths");
  const std::string& text = *headers.find("Content-Length");
  const bool digits = !text.empty() && text.size() <= kDigitsMax &&
                      std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) return framing_error("Content-Length", text);
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// RFC 9112 §6: one field saying one thing. `otherwise` is what no field at all means.
Result<Framing> parse_framing(const Headers& headers, bool version_1_0, BodyKind otherwise) {
  const std::size_t lengths = headers.count("Content-Length");
  const std::size_t codings = headers.count("Transfer-Encoding");
  if (codings == 0 && lengths == 0) return Framing{otherwise, 0};
  if (codings == 0) {
    TRY_ASSIGN(const std::uint64_t length, parse_content_length(headers));
    return Framing{BodyKind::length, length};
  }
  if (!CAGES_CHECK("HTTP_BOTH_LENGTHS", lengths == 0)) return framing_error("Content-Length and Transfer-Encoding");
  if (codings != 1 || !ascii_iequal(*headers.find("Transfer-Encoding"), "chunked")) {
    return framing_error("Transfer-Encoding", *headers.find("Transfer-Encoding"));
  }
  if (version_1_0) return framing_error("Transfer-Encoding in HTTP/1.0");
  return Framing{BodyKind::chunked, 0};
}

// Removes what belongs to this connection alone (RFC 9110 §7.6.1).
Result<void> strip_hop_by_hop(Headers& headers) {
  for (const std::string& name : headers.tokens("Connection")) {
    if (!is_token(name)) return syntax("Connection", name);
    // Fields that decide what the message is are no connection's own.
    for (const std::string_view kept : {"host", "content-length", "transfer-encoding", "authorization", "cookie"}) {
      if (ascii_iequal(name, kept)) return framing_error("Connection", name);
    }
    headers.remove(name);
  }
  for (const std::string_view name :
       {"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "TE", "Trailer",
        "Transfer-Encoding", "Upgrade", "Content-Length", "HTTP2-Settings"}) {
    headers.remove(name);
  }
  return {};
}

// One protocol name, only where Connection says that Upgrade is meant (RFC 9110 §7.8).
std::string upgrade_of(const Headers& headers) {
  const auto protocols = headers.tokens("Upgrade");
  if (protocols.size() != 1 || !is_token(protocols[0]) || !headers.has_token("Connection", "upgrade")) return {};
  std::string protocol = ascii_lower(protocols.front());
  // h2c would carry requests past whoever reads this one; it is not offered (RFC 9113 §3.1 has dropped it).
  return protocol == "h2c" ? std::string() : protocol;
}

bool is_host(std::string_view text) {
  static constexpr std::string_view kOthers = ".-_~:[]%";
  return !text.empty() && text.size() <= limits::kHttpAuthorityBytesMax && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           kOthers.find(c) != std::string_view::npos;
  });
}

bool is_target(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return c > 0x20 && c < 0x7f && c != '#' && c != '"' && c != '<' && c != '>'; });
}

// Absolute-form (RFC 9112 §3.2.2) becomes origin-form; its authority is returned to be compared with Host.
Result<std::string> split_absolute(std::string& target) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (!ascii_iequal(std::string_view(target).substr(0, scheme.size()), scheme)) continue;
    const std::size_t path = target.find_first_of("/?", scheme.size());
    std::string authority = target.substr(scheme.size(), path == std::string::npos ? path : path - scheme.size());
    target = path == std::string::npos ? "/" : target.substr(path);
    if (target.front() == '?') target.insert(0, "/");
    return authority;
  }
  return syntax("a request target", target);
}

Result<void> parse_request_line(std::string_view line, ParsedRequest& request) {
  constexpr std::size_t kMethodBytesMax = 32;
  const auto parts = split(line, ' ');
  if (parts.size() != 3) return syntax("a request line", line);
  if (!is_token(parts[0]) || parts[0].size() > kMethodBytesMax) return syntax("a method", parts[0]);
  if (parts[2] != "HTTP/1.1" && parts[2] != "HTTP/1.0") {
    if (parts[2].starts_with("HTTP/")) return fail(Code::HTTP_VERSION, "", "HTTP/1.1", printable(parts[2]));
    return syntax("a request line", line);
  }
  request.version_1_0 = parts[2] == "HTTP/1.0";
  request.head.method = std::string(parts[0]);
  request.head.target = std::string(parts[1]);
  if (parts[1].size() > limits::kHttpTargetBytesMax) {
    return fail(Code::LIMIT, "target", "at most " + std::to_string(limits::kHttpTargetBytesMax) + " bytes", "more");
  }
  if (parts[1].empty() || !is_target(parts[1])) return syntax("a request target", parts[1]);
  if (request.head.method == "CONNECT") return fail(Code::HTTP_SYNTAX, "CONNECT", "another method", "CONNECT");
  return {};
}

Result<void> settle_authority(ParsedRequest& request) {
  RequestHead& head = request.head;
  const std::size_t hosts = head.headers.count("Host");
  if (!CAGES_CHECK("HTTP_HOST", hosts == 1 || (hosts == 0 && request.version_1_0))) return syntax("Host, once");
  if (hosts != 0) head.authority = *head.headers.find("Host");
  if (hosts != 0 && !is_host(head.authority)) return syntax("Host", head.authority);
  head.headers.remove("Host");
  if (head.target.front() == '/') return {};
  if (head.target == "*")
    return head.method == "OPTIONS" ? Result<void>() : Result<void>(syntax("a request target", "*"));
  TRY_ASSIGN(const std::string authority, split_absolute(head.target));
  // RFC 9112 §3.2.2 lets the target win; two names in one request are how filters are fooled.
  if (!CAGES_CHECK("HTTP_AUTHORITY", ascii_iequal(authority, head.authority)))
    return syntax("two authorities", authority);
  return {};
}

Result<void> settle_expectation(ParsedRequest& request) {
  const std::size_t count = request.head.headers.count("Expect");
  if (count == 0) return {};
  const std::string& value = *request.head.headers.find("Expect");
  if (count != 1 || !ascii_iequal(value, "100-continue")) {
    return fail(Code::HTTP_EXPECT, "", "100-continue", printable(value));
  }
  request.expect_continue = !request.version_1_0 && request.framing.kind != BodyKind::none;
  request.head.headers.remove("Expect");
  return {};
}

bool ends_message(int status, std::string_view method) {
  return method == "HEAD" || status < 200 || status == 204 || status == 304;
}

Result<int> parse_status_line(std::string_view line, bool& version_1_0) {
  // HTTP/1.1 SP 3DIGIT SP [reason]
  constexpr std::size_t kPrefix = 9;
  const std::string_view version = line.substr(0, kPrefix);
  if (version != "HTTP/1.1 " && version != "HTTP/1.0 ")
    return fail(Code::HTTP_VERSION, "", "HTTP/1.1", printable(line));
  version_1_0 = version == "HTTP/1.0 ";
  const std::string_view digits = line.substr(kPrefix, 3);
  const std::string_view rest = line.substr(std::min(line.size(), kPrefix + 3));
  int status = 0;
  const auto [at, error] = std::from_chars(digits.data(), digits.data() + digits.size(), status);
  const bool good = digits.size() == 3 && error == std::errc() && at == digits.data() + 3 && status >= 100 &&
                    status <= 599 && (rest.empty() || rest.front() == ' ') && is_field_value(rest);
  if (!good) return syntax("a status line", line);
  return status;
}

}  // namespace

Result<std::size_t> head_end(std::string_view arrived, std::size_t& scanned) {
  for (; scanned < arrived.size(); ++scanned) {
    const char c = arrived[scanned];
    if (c == '\0') return syntax("a NUL byte");
    if (c == '\r' && scanned + 1 < arrived.size() && arrived[scanned + 1] != '\n') return syntax("a bare CR");
    if (c != '\n') continue;
    if (!CAGES_CHECK("HTTP_BARE_LF", scanned > 0 && arrived[scanned - 1] == '\r')) return syntax("a bare LF");
    if (scanned >= 3 && arrived.substr(scanned - 3, 4) == "\r\n\r\n") return ++scanned;
    // An empty first line is no request either (RFC 9112 §2.2 lets us skip it; nothing needs us to).
    if (scanned == 1) return syntax("an empty line before the head");
  }
  // A CR at the very end waits for its LF.
  if (scanned > 0 && arrived.back() == '\r') --scanned;
  return std::size_t{0};
}

Result<ParsedRequest> parse_request(std::string_view head) {
  ParsedRequest request;
  TRY(parse_request_line(take_line(head), request));
  TRY_ASSIGN(request.head.headers, parse_fields(head));
  TRY_ASSIGN(request.framing, parse_framing(request.head.headers, request.version_1_0, BodyKind::none));
  TRY(settle_authority(request));
  TRY(settle_expectation(request));
  request.keep_alive = !request.version_1_0 && !request.head.headers.has_token("Connection", "close");
  if (request.framing.kind == BodyKind::none && !request.version_1_0)
    request.head.upgrade = upgrade_of(request.head.headers);
  TRY(strip_hop_by_hop(request.head.headers));
  return request;
}

Result<ParsedResponse> parse_response(std::string_view head, std::string_view method) {
  ParsedResponse response;
  bool version_1_0 = false;
  TRY_ASSIGN(response.head.status, parse_status_line(take_line(head), version_1_0));
  TRY_ASSIGN(response.head.headers, parse_fields(head));
  Headers& headers = response.head.headers;
  TRY_ASSIGN(response.framing, parse_framing(headers, version_1_0, BodyKind::until_close));
  if (ends_message(response.head.status, method)) {
    const bool declared =
        response.framing.kind == BodyKind::length && response.head.status >= 200 && response.head.status != 204;
    if (declared) response.head.declared_length = response.framing.length;
    response.framing = {};
  }
  response.keep_alive =
      !version_1_0 && !headers.has_token("Connection", "close") && response.framing.kind != BodyKind::until_close;
  if (response.head.status == 101) response.head.upgrade = upgrade_of(headers);
  TRY(strip_hop_by_hop(headers));
  return response;
}

Result<std::uint64_t> parse_chunk_line(std::string_view line) {
  constexpr std::size_t kDigitsMax = 15;
  std::size_t digits = 0;
  std::uint64_t size = 0;
  const auto [at, error] = std::from_chars(line.data(), line.data() + line.size(), size, 16);
  if (error == std::errc()) digits = static_cast<std::size_t>(at - line.data());
  if (digits == 0 || digits > kDigitsMax || line.front() == '-') return framing_error("a chunk size", line);
  line.remove_prefix(digits);
  // chunk-ext = *( ";" name [ "=" ( token / quoted-string ) ] ), without the optional white space.
  while (!line.empty()) {
    if (line.front() != ';') return framing_error("a chunk extension", line);
    line.remove_prefix(1);
    const std::string_view name = line.substr(0, line.find_first_of("=;"));
    if (!is_token(name)) return framing_error("a chunk extension", line);
    line.remove_prefix(name.size());
    if (line.empty() || line.front() == ';') continue;
    line.remove_prefix(1);
    if (!line.starts_with('"')) {
      const std::string_view value = line.substr(0, line.find(';'));
      if (!is_token(value)) return framing_error("a chunk extension", line);
      line.remove_prefix(value.size());
      continue;
    }
    const std::size_t end = line.find('"', 1);
    const std::string_view value = line.substr(0, end);
    if (end == std::string_view::npos || !is_field_value(value) || value.find('\\') != std::string_view::npos) {
      return framing_error("a chunk extension", line);
    }
    line.remove_prefix(end + 1);
  }
  return size;
}

Result<Headers> parse_trailers(std::string_view lines) {
  TRY_ASSIGN(Headers trailers, parse_fields(lines));
  // RFC 9110 §6.5.1: what decides framing, routing, authentication or content handling has no place after the body.
  for (const std::string_view name :
       {"Transfer-Encoding", "Content-Length", "Host", "Connection", "Upgrade", "TE", "Trailer", "Expect",
        "Content-Encoding", "Content-Type", "Content-Range", "Authorization", "Cookie", "Set-Cookie", "Cache-Control",
        "Forwarded", "X-Forwarded-For", "X-Forwarded-Proto"}) {
    if (trailers.count(name) != 0) return framing_error("a trailer", name);
  }
  return trailers;
}

}  // namespace cages::http
