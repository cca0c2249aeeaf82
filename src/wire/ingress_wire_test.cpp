// SPDX-License-Identifier: Apache-2.0
// What travels ahead of a connection's own bytes: the PROXY header and the ClientHello's server name.
#include <gtest/gtest.h>

#include "wire/client_hello.h"
#include "wire/proxy_v2.h"

namespace cages::wire {
namespace {

// Written by hand from proxy-protocol.txt §2.2.
const std::string kSignature = "0d0a0d0a000d0a515549540a";
const std::string kFour = kSignature + "2111000cc0000201c633640a303901bb";
const std::string kSix = kSignature + "21210024" + "20010db8000000000000000000000001" +
                         "20010db8000000000000000000000002" + "303901bb";

Result<ProxyHeader> read(const std::string& text) { return parse_proxy_v2(parse_hex(text).value()); }

TEST(ProxyV2, ReadsAndWritesBothFamilies) {
  const ProxyHeader four{.client = {"192.0.2.1", 12345}, .server = {"198.51.100.10", 443}};
  const ProxyHeader six{.client = {"2001:db8::1", 12345}, .server = {"2001:db8::2", 443}};
  EXPECT_EQ(read(kFour), four);
  EXPECT_EQ(read(kSix), six);
  EXPECT_EQ(hex(write_proxy_v2(four).value()), kFour);
  EXPECT_EQ(hex(write_proxy_v2(six).value()), kSix);
  EXPECT_EQ(read(kSignature + "20000000"), ProxyHeader());
  EXPECT_EQ(hex(write_proxy_v2({}).value()), kSignature + "20000000");
  // One family where the two ends differ.
  const auto mixed = write_proxy_v2({.client = {"192.0.2.1", 1}, .server = {"2001:db8::2", 2}});
  EXPECT_EQ(parse_proxy_v2(*mixed)->client.ip, "::ffff:192.0.2.1");
  EXPECT_EQ(write_proxy_v2({.client = {"localhost", 1}, .server = {"192.0.2.1", 2}}).error().code, Code::PROXY_V2);
}

TEST(ProxyV2, PassesOverExtensionsAndAddressesOfLocal) {
  EXPECT_EQ(read(kSignature + "21110013c0000201c633640a303901bb" + "04000102" + "ea0000")->client.ip, "192.0.2.1");
  EXPECT_EQ(read(kSignature + "2011000cc0000201c633640a303901bb"), ProxyHeader());
}

TEST(ProxyV2, RefusesEverythingElse) {
  for (const std::string& text :
       {std::string(), kSignature, std::string("50524f58592054435034203139322e302e32"),
        kSignature + "1111000cc0000201c633640a303901bb",
        kSignature + "2211000cc0000201c633640a303901bb", kSignature + "2112000cc0000201c633640a303901bb",
        kSignature + "2131000cc0000201c633640a303901bb", kSignature + "21000000", kSignature + "2111000bc0000201c633640a303901",
        kSignature + "2111000dc0000201c633640a303901bb00", kSignature + "2111000fc0000201c633640a303901bb040001",
        kFour + "00", kFour.substr(0, kFour.size() - 2), kSignature + "2121000cc0000201c633640a303901bb",
        kSignature + "2111ffffc0000201c633640a303901bb"}) {
    EXPECT_EQ(read(text).error().code, Code::PROXY_V2) << text;
  }
}

Bytes with_length(std::size_t width, const Bytes& content) {
  Bytes out;
  for (std::size_t i = width; i-- > 0;) out.push_back(static_cast<Byte>(content.size() >> (8 * i)));
  append(out, content);
  return out;
}

Bytes extension(std::uint16_t type, const Bytes& content) {
  Bytes out{static_cast<Byte>(type >> 8), static_cast<Byte>(type)};
  append(out, with_length(2, content));
  return out;
}

Bytes server_name(std::string_view name) {
  Bytes entry{0};
  append(entry, with_length(2, to_bytes(name)));
  return extension(0, with_length(2, entry));
}

Bytes join(std::initializer_list<Bytes> parts) {
  Bytes out;
  for (const Bytes& part : parts) append(out, part);
  return out;
}

Bytes message(const Bytes& extensions) {
  Bytes body = join({{3, 3}, Bytes(32, Byte{7}), with_length(1, Bytes(32, Byte{9})), with_length(2, {0x13, 0x01}),
                     with_length(1, {0}), with_length(2, extensions)});
  return join({{1}, with_length(3, body)});
}

Bytes records(const Bytes& whole, std::size_t each) {
  Bytes out;
  for (ByteView rest = whole; !rest.empty();) {
    const std::size_t n = std::min(each, rest.size());
    append(out, Bytes{22, 3, 1});
    append(out, with_length(2, to_bytes(rest.first(n))));
    rest = rest.subspan(n);
  }
  return out;
}

TEST(ClientHello, ItsNameIsFoundAcrossAnySplit) {
  const Bytes grease = extension(0x0a0a, {});
  const Bytes ech = extension(0xfe0d, Bytes(200, Byte{1}));
  const Bytes whole = message(join({grease, ech, server_name("Cage.App.LOCALHOST"), extension(16, Bytes(5, Byte{1}))}));
  for (const std::size_t each : {std::size_t{1}, std::size_t{7}, std::size_t{100}, std::size_t{16384}}) {
    const Bytes wire = records(whole, each);
    for (std::size_t cut = 0; cut < wire.size(); ++cut) {
      const auto early = parse_server_name(ByteView(wire).first(cut));
      ASSERT_TRUE(early && !*early) << each << " " << cut;
    }
    EXPECT_EQ(parse_server_name(wire), std::optional<std::string>("cage.app.localhost"));
    EXPECT_EQ(parse_server_name(join({wire, {23, 3, 3, 0, 1, 0}})).has_value(), false) << "another record type";
  }
}

TEST(ClientHello, WithoutANameIsRefused) {
  const auto none = parse_server_name(records(message(extension(16, {})), 1000));
  EXPECT_EQ(error_class(none.error()), "MISSING server_name");
}

TEST(ClientHello, RefusesWhatIsNone) {
  const Bytes name = server_name("a.b");
  Bytes two = server_name("a.b");
  Bytes cut = message(name);
  cut[3] = static_cast<Byte>(cut[3] - 1);
  for (const Bytes& wire :
       {to_bytes("GET / HTTP/1.1\r\n"), records({2, 0, 0, 1, 0}, 100), Bytes{22, 2, 0, 0, 1, 1}, Bytes{22, 3, 1, 0, 0},
        Bytes{22, 3, 1, 0xff, 0xff},
        records(message(join({name, two})), 1000), records(cut, 1000), records(message(server_name("")), 1000),
        records(message(server_name("a..b")), 1000), records(message(server_name("192.0.2.1")), 1000),
        records(message(server_name("a b")), 1000), records(message(server_name(std::string(254, 'a'))), 1000),
        records(message(extension(0, {0, 0})), 1000), records(message({0, 0, 0}), 1000)}) {
    EXPECT_EQ(parse_server_name(wire).error().code, Code::CLIENT_HELLO) << hex(wire).substr(0, 80);
  }
}

TEST(ClientHello, IsBounded) {
  Bytes announced{22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff};
  EXPECT_EQ(parse_server_name(announced).error().code, Code::LIMIT);
  EXPECT_TRUE(parse_server_name(records(message(join({extension(21, Bytes(3000)), server_name("a.b")})), 16384)));
}

}  // namespace
}  // namespace cages::wire
