// SPDX-License-Identifier: Apache-2.0
#include "wire/proxy_v2.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace cages::wire {
namespace {

constexpr std::array<Byte, 12> kSignature{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
constexpr Byte kLocal = 0x20;  // version 2, command LOCAL
constexpr Byte kProxy = 0x21;
constexpr Byte kUnspecified = 0x00;
constexpr Byte kTcp4 = 0x11;
constexpr Byte kTcp6 = 0x21;
constexpr std::size_t kIp4Bytes = 4;
constexpr std::size_t kIp6Bytes = 16;

std::size_t u16(ByteView bytes, std::size_t at) { return std::size_t{bytes[at]} << 8 | bytes[at + 1]; }

void put_u16(Bytes& out, std::size_t value) {
  out.push_back(static_cast<Byte>(value >> 8));
  out.push_back(static_cast<Byte>(value));
}

auto refuse(std::string what, std::string got = {}) {
  return fail(Code::PROXY_V2, std::move(what), "", std::move(got));
}

std::string address_text(ByteView raw) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(raw.size() == kIp4Bytes ? AF_INET : AF_INET6, raw.data(), text.data(), text.size());
  return text.data();
}

// §2.2.6: type, length, value, to the end.
Result<void> skip_extensions(ByteView rest) {
  constexpr std::size_t kHeadBytes = 3;
  while (!rest.empty()) {
    if (rest.size() < kHeadBytes || rest.size() - kHeadBytes < u16(rest, 1))
      return refuse("an extension that is cut short");
    rest = rest.subspan(kHeadBytes + u16(rest, 1));
  }
  return {};
}

Bytes raw_address(const std::string& ip) {
  Bytes raw(kIp4Bytes);
  if (::inet_pton(AF_INET, ip.c_str(), raw.data()) == 1) return raw;
  raw.resize(kIp6Bytes);
  if (::inet_pton(AF_INET6, ip.c_str(), raw.data()) == 1) return raw;
  return {};
}

// IPv4 as IPv6 (RFC 4291 §2.5.5.2), where the two ends are of different families.
Bytes mapped(const Bytes& raw) {
  if (raw.size() != kIp4Bytes) return raw;
  Bytes out(10, Byte{0});
  out.insert(out.end(), 2, Byte{0xff});
  append(out, raw);
  return out;
}

}  // namespace

Result<std::size_t> proxy_v2_rest(ByteView head) {
  if (head.size() != kProxyV2HeadBytes || !std::ranges::equal(head.first(kSignature.size()), kSignature)) {
    return refuse("signature", hex(head.first(std::min(head.size(), kSignature.size()))));
  }
  if (head[12] != kLocal && head[12] != kProxy) return refuse("version and command", std::to_string(head[12]));
  const std::size_t rest = u16(head, 14);
  if (kProxyV2HeadBytes + rest > limits::kProxyV2BytesMax) return refuse("length", std::to_string(rest));
  return rest;
}

Result<ProxyHeader> parse_proxy_v2(ByteView whole) {
  if (whole.size() < kProxyV2HeadBytes) return refuse("length", std::to_string(whole.size()));
  TRY_ASSIGN(const std::size_t length, proxy_v2_rest(whole.first(kProxyV2HeadBytes)));
  ByteView rest = whole.subspan(kProxyV2HeadBytes);
  if (rest.size() != length) return refuse("length", std::to_string(rest.size()));
  const Byte family = whole[13];
  std::size_t width = 0;
  if (family == kTcp4) width = kIp4Bytes;
  if (family == kTcp6) width = kIp6Bytes;
  const bool local = whole[12] == kLocal;
  if (width == 0 && !(local && family == kUnspecified)) return refuse("family and transport", std::to_string(family));
  if (rest.size() < 2 * width + (width != 0 ? 4 : 0)) return refuse("addresses that are cut short");
  ProxyHeader header;
  if (width != 0) {
    // §2.2: a receiver ignores the addresses of LOCAL.
    if (!local) {
      header.client = {address_text(rest.first(width)), static_cast<std::uint16_t>(u16(rest, 2 * width))};
      header.server = {address_text(rest.subspan(width, width)), static_cast<std::uint16_t>(u16(rest, 2 * width + 2))};
    }
    rest = rest.subspan(2 * width + 4);
  }
  TRY(skip_extensions(rest));
  return header;
}

Result<Bytes> write_proxy_v2(const ProxyHeader& header) {
  Bytes out(kSignature.begin(), kSignature.end());
  if (header.client.ip.empty()) {
    out.insert(out.end(), {kLocal, kUnspecified, 0, 0});
    return out;
  }
  Bytes client = raw_address(header.client.ip);
  Bytes server = raw_address(header.server.ip);
  if (client.empty() || server.empty()) {
    return refuse("address", printable(client.empty() ? header.client.ip : header.server.ip));
  }
  if (client.size() != server.size()) {
    client = mapped(client);
    server = mapped(server);
  }
  out.push_back(kProxy);
  out.push_back(client.size() == kIp4Bytes ? kTcp4 : kTcp6);
  put_u16(out, 2 * client.size() + 4);
  append(out, client);
  append(out, server);
  put_u16(out, header.client.port);
  put_u16(out, header.server.port);
  return out;
}

}  // namespace cages::wire
