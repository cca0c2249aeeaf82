// SPDX-License-Identifier: Apache-2.0
#include "cli/url.h"

#include <algorithm>
#include <charconv>

#include "base/bytes.h"
#include "base/text.h"

namespace cages::cli {
namespace {

Error bad(std::string_view expected, std::string_view got) {
  return Error(Code::USAGE, "URL", std::string(expected), printable(got));
}

Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) return fail(bad("a port from 1 to 65535", text));
  return port;
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  constexpr std::string_view kScheme = "https://";
  const std::string_view whole = text;
  if (const auto scheme = text.find("://"); scheme != std::string_view::npos) {
    if (!ascii_iequal(text.substr(0, scheme + 3), kScheme)) return fail(bad("https://", whole));
    text.remove_prefix(scheme + 3);
  }
  const auto plain = [](char c) { return c > ' ' && c < 0x7f; };
  if (!std::ranges::all_of(text, plain)) return fail(bad("printable ASCII without spaces", whole));
  if (text.find('#') != std::string_view::npos) return fail(bad("no fragment", whole));
  const std::size_t end = text.find_first_of("/?");
  std::string_view authority = text.substr(0, end);
  Url url;
  url.target = end == std::string_view::npos ? "/" : std::string(text.substr(end));
  if (url.target.front() == '?') url.target.insert(0, "/");
  if (authority.find('@') != std::string_view::npos) return fail(bad("no user information", whole));
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return fail(bad("[address]", whole));
    port = authority.substr(close + 1);
    authority = authority.substr(1, close - 1);
  } else if (const std::size_t colon = authority.find(':'); colon != std::string_view::npos) {
    port = authority.substr(colon);
    authority = authority.substr(0, colon);
  }
  if (!port.empty()) {
    if (port.front() != ':') return fail(bad("host:port", whole));
    TRY_ASSIGN(url.port, parse_port(port.substr(1)));
  }
  if (authority.empty()) return fail(bad("a host", whole));
  url.host = ascii_lower(authority);
  return url;
}

}  // namespace cages::cli
