// SPDX-License-Identifier: Apache-2.0
// The table of hostile bytes: what a request or an answer may look like, and everything near it that is refused.
#include "http/parse.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "http/write.h"

namespace cages::http {
namespace {

Result<ParsedRequest> read_request(std::string_view bytes) {
  std::size_t scanned = 0;
  TRY_ASSIGN(const std::size_t end, head_end(bytes, scanned));
  if (end != bytes.size()) return fail(Code::CLOSED, "the head is not all");
  return parse_request(bytes);
}

std::string get(std::string_view fields) { return "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n"; }
std::string post(std::string_view fields) { return "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n"; }

struct Hostile {
  const char* name;
  std::string bytes;
  Code code;
};

class HostileRequests : public testing::TestWithParam<Hostile> {};

TEST_P(HostileRequests, AreRefused) {
  const auto request = read_request(GetParam().bytes);
  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().code, GetParam().code) << describe(request.error());
}

const Hostile kSmuggling[] = {
    {"BothLengths", post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n"), Code::HTTP_FRAMING},
    {"BothLengthsSwapped", post("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"), Code::HTTP_FRAMING},
    {"CodingXchunked", post("Transfer-Encoding: xchunked\r\n"), Code::HTTP_FRAMING},
    {"CodingIdentity", post("Transfer-Encoding: identity\r\n"), Code::HTTP_FRAMING},
    {"CodingList", post("Transfer-Encoding: gzip, chunked\r\n"), Code::HTTP_FRAMING},
    {"CodingChunkedTwice", post("Transfer-Encoding: chunked, chunked\r\n"), Code::HTTP_FRAMING},
    {"CodingTwoLines", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), Code::HTTP_FRAMING},
    {"CodingTwoKinds", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n"), Code::HTTP_FRAMING},
    {"CodingQuoted", post("Transfer-Encoding: \"chunked\"\r\n"), Code::HTTP_FRAMING},
    {"CodingEmpty", post("Transfer-Encoding:\r\n"), Code::HTTP_FRAMING},
    {"CodingVerticalTab",
     post("Transfer-Encoding: \x0b"
          "chunked\r\n"),
     Code::HTTP_SYNTAX},
    {"CodingSpaceBeforeColon", post("Transfer-Encoding : chunked\r\n"), Code::HTTP_SYNTAX},
    {"CodingTabBeforeColon", post("Transfer-Encoding\t: chunked\r\n"), Code::HTTP_SYNTAX},
    {"CodingFolded", post("Transfer-Encoding:\r\n chunked\r\n"), Code::HTTP_SYNTAX},
    {"CodingInName", post("Transfer-Encoding: x\nTransfer-Encoding: chunked\r\n"), Code::HTTP_SYNTAX},
    {"CodingAfterBareCr", post("A: b\rTransfer-Encoding: chunked\r\n"), Code::HTTP_SYNTAX},
    {"CodingIn10", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", Code::HTTP_FRAMING},
    {"LengthTwice", post("Content-Length: 4\r\nContent-Length: 4\r\n"), Code::HTTP_FRAMING},
    {"LengthTwoValues", post("Content-Length: 4\r\nContent-Length: 5\r\n"), Code::HTTP_FRAMING},
    {"LengthList", post("Content-Length: 4, 4\r\n"), Code::HTTP_FRAMING},
    {"LengthPlus", post("Content-Length: +4\r\n"), Code::HTTP_FRAMING},
    {"LengthMinus", post("Content-Length: -1\r\n"), Code::HTTP_FRAMING},
    {"LengthHex", post("Content-Length: 0x10\r\n"), Code::HTTP_FRAMING},
    {"LengthFraction", post("Content-Length: 1.0\r\n"), Code::HTTP_FRAMING},
    {"LengthSpace", post("Content-Length: 1 0\r\n"), Code::HTTP_FRAMING},
    {"LengthEmpty", post("Content-Length:\r\n"), Code::HTTP_FRAMING},
    {"LengthHuge", post("Content-Length: 99999999999999999999\r\n"), Code::HTTP_FRAMING},
    {"LengthLetters", post("Content-Length: ten\r\n"), Code::HTTP_FRAMING},
    {"LengthFolded", post("Content-Length: 1\r\n\t0\r\n"), Code::HTTP_SYNTAX},
    {"ConnectionDropsHost", get("Connection: close, Host\r\n"), Code::HTTP_FRAMING},
    {"ConnectionDropsLength", post("Connection: content-length\r\nContent-Length: 4\r\n"), Code::HTTP_FRAMING},
    {"ConnectionDropsCookie", get("Connection: cookie\r\nCookie: a\r\n"), Code::HTTP_FRAMING},
};
INSTANTIATE_TEST_SUITE_P(Smuggling, HostileRequests, testing::ValuesIn(kSmuggling),
                         [](const auto& row) { return row.param.name; });

const Hostile kShapes[] = {
    {"BareLfLines", "GET / HTTP/1.1\nHost: a\n\n", Code::HTTP_SYNTAX},
    {"OneBareLf", "GET / HTTP/1.1\r\nHost: a\n\r\n", Code::HTTP_SYNTAX},
    {"BareCr", "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", Code::HTTP_SYNTAX},
    {"CrCrLf", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", Code::HTTP_SYNTAX},
    {"Nul", get(std::string_view("A: b\0c\r\n", 8)), Code::HTTP_SYNTAX},
    {"LeadingEmptyLine", "\r\n" + get(""), Code::HTTP_SYNTAX},
    {"LeadingSpace", " " + get(""), Code::HTTP_SYNTAX},
    {"FirstHeaderFolded", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", Code::HTTP_SYNTAX},
    {"NoVersion", "GET /\r\nHost: a\r\n\r\n", Code::HTTP_SYNTAX},
    {"TwoSpaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", Code::HTTP_SYNTAX},
    {"TabInLine", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", Code::HTTP_SYNTAX},
    {"SpaceAfterVersion", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", Code::HTTP_SYNTAX},
    {"SpaceInTarget", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", Code::HTTP_SYNTAX},
    {"Version2", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", Code::HTTP_VERSION},
    {"Version12", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", Code::HTTP_VERSION},
    {"VersionLower", "GET / http/1.1\r\nHost: a\r\n\r\n", Code::HTTP_SYNTAX},
    {"Http2Preface", "PRI * HTTP/2.0\r\n\r\n", Code::HTTP_VERSION},
    {"MethodSeparator", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n", Code::HTTP_SYNTAX},
    {"MethodLong", std::string(33, 'G') + " / HTTP/1.1\r\nHost: a\r\n\r\n", Code::HTTP_SYNTAX},
    {"Connect", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", Code::HTTP_SYNTAX},
    {"TargetRelative", "GET x HTTP/1.1\r\nHost: a\r\n\r\n", Code::HTTP_SYNTAX},
    {"TargetFragment", "GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", Code::HTTP_SYNTAX},
    {"TargetHighByte", "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", Code::HTTP_SYNTAX},
    {"TargetLong", "GET /" + std::string(limits::kHttpTargetBytesMax, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n",
     Code::LIMIT},
    {"TargetStarForGet", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", Code::HTTP_SYNTAX},
    {"AuthorityConflict", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", Code::HTTP_SYNTAX},
    {"AuthorityUser", "GET http://a@b/ HTTP/1.1\r\nHost: b\r\n\r\n", Code::HTTP_SYNTAX},
    {"AuthorityPort", "GET http://a:1/ HTTP/1.1\r\nHost: a:2\r\n\r\n", Code::HTTP_SYNTAX},
    {"AuthorityEmpty", "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", Code::HTTP_SYNTAX},
    {"OtherScheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", Code::HTTP_SYNTAX},
    {"NoHost", "GET / HTTP/1.1\r\n\r\n", Code::HTTP_SYNTAX},
    {"TwoHosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", Code::HTTP_SYNTAX},
    {"HostEmpty", "GET / HTTP/1.1\r\nHost:\r\n\r\n", Code::HTTP_SYNTAX},
    {"HostPath", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", Code::HTTP_SYNTAX},
    {"HostUser", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", Code::HTTP_SYNTAX},
    {"HostList", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", Code::HTTP_SYNTAX},
    {"HostLong", "GET / HTTP/1.1\r\nHost: " + std::string(limits::kHttpAuthorityBytesMax + 1, 'a') + "\r\n\r\n",
     Code::HTTP_SYNTAX},
    {"NameEmpty", get(": x\r\n"), Code::HTTP_SYNTAX},
    {"NameSpace", get("A B: x\r\n"), Code::HTTP_SYNTAX},
    {"NameHighByte", get("\xc3\xa9: x\r\n"), Code::HTTP_SYNTAX},
    {"NoColon", get("Abc\r\n"), Code::HTTP_SYNTAX},
    {"ValueControl", get("A: \x01\r\n"), Code::HTTP_SYNTAX},
    {"ValueDelete", get("A: \x7f\r\n"), Code::HTTP_SYNTAX},
    {"Folded", get("A: b\r\n c\r\n"), Code::HTTP_SYNTAX},
    {"ExpectOther", post("Expect: 200-ok\r\n"), Code::HTTP_EXPECT},
    {"ExpectTwice", post("Expect: 100-continue\r\nExpect: 100-continue\r\n"), Code::HTTP_EXPECT},
    {"TlsHello", std::string("\x16\x03\x01\x00\xf4\x01\x00", 7), Code::HTTP_SYNTAX},
};
INSTANTIATE_TEST_SUITE_P(Shapes, HostileRequests, testing::ValuesIn(kShapes),
                         [](const auto& row) { return row.param.name; });

TEST(ParseRequest, BoundsTheNumberOfHeaders) {
  std::string fields;
  for (std::size_t i = 1; i < limits::kHttpHeadersMax; ++i) fields += "A: b\r\n";
  EXPECT_TRUE(read_request(get(fields)));
  EXPECT_EQ(read_request(get(fields + "A: b\r\n")).error().code, Code::LIMIT);
}

TEST(ParseRequest, ReadsWhatItShould) {
  const auto request = read_request(
      "POST /a?b=%20 HTTP/1.1\r\nhOST: Cage.LOCALHOST:8443\r\nX-A:  one \t\r\nx-a: \xc3\xa9\r\nContent-Length: 007\r\n"
      "Connection: keep-alive, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nExpect: 100-Continue\r\n\r\n");
  ASSERT_TRUE(request) << describe(request.error());
  EXPECT_EQ(request->head.method, "POST");
  EXPECT_EQ(request->head.target, "/a?b=%20");
  EXPECT_EQ(request->head.authority, "Cage.LOCALHOST:8443");
  EXPECT_EQ(request->framing.kind, BodyKind::length);
  EXPECT_EQ(request->framing.length, 7U);
  EXPECT_TRUE(request->keep_alive);
  EXPECT_TRUE(request->expect_continue);
  ASSERT_EQ(request->head.headers.size(), 2U);
  EXPECT_EQ(*request->head.headers.find("x-A"), "one");
  EXPECT_EQ(request->head.headers.count("X-A"), 2U);
  EXPECT_TRUE(request->head.upgrade.empty());
}

TEST(ParseRequest, ReadsTheOtherForms) {
  EXPECT_EQ(read_request("GET HTTP://A/x?y HTTP/1.1\r\nHost: a\r\n\r\n")->head.target, "/x?y");
  EXPECT_EQ(read_request("GET https://a HTTP/1.1\r\nHost: a\r\n\r\n")->head.target, "/");
  EXPECT_EQ(read_request("GET https://a?q HTTP/1.1\r\nHost: a\r\n\r\n")->head.target, "/?q");
  EXPECT_EQ(read_request("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")->head.target, "*");
  const auto old = read_request("GET / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(old && !old->keep_alive && old->version_1_0);
  EXPECT_FALSE(read_request(get("Connection: Close\r\n"))->keep_alive);
  EXPECT_EQ(read_request(post("Transfer-Encoding: Chunked\r\n"))->framing.kind, BodyKind::chunked);
}

TEST(ParseRequest, AnUpgradeIsOneProtocolThatConnectionNames) {
  EXPECT_EQ(read_request(get("Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"))->head.upgrade, "websocket");
  EXPECT_EQ(read_request(get("Upgrade: websocket\r\n"))->head.upgrade, "");
  EXPECT_EQ(read_request(get("Connection: upgrade\r\nUpgrade: websocket, h2c\r\n"))->head.upgrade, "");
  EXPECT_EQ(read_request(get("Connection: upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"))->head.upgrade, "");
  EXPECT_EQ(read_request(post("Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n"))->head.upgrade, "");
}

TEST(ParseResponse, ReadsFramingByMethodAndStatus) {
  auto read = [](std::string_view head, std::string_view method) { return parse_response(head, method); };
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "GET")->framing.length, 3U);
  EXPECT_EQ(read("HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n", "GET")->framing.kind, BodyKind::chunked);
  const auto until = read("HTTP/1.1 200 \r\n\r\n", "GET");
  EXPECT_EQ(until->framing.kind, BodyKind::until_close);
  EXPECT_FALSE(until->keep_alive);
  const auto head = read("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "HEAD");
  EXPECT_EQ(head->framing.kind, BodyKind::none);
  EXPECT_EQ(head->head.declared_length, 3U);
  EXPECT_EQ(read("HTTP/1.1 204 None\r\nContent-Length: 3\r\n\r\n", "GET")->head.declared_length, std::nullopt);
  EXPECT_EQ(read("HTTP/1.1 304 Same\r\nContent-Length: 3\r\n\r\n", "GET")->head.declared_length, 3U);
  EXPECT_EQ(read("HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", "GET")->head.upgrade,
            "websocket");
}

TEST(ParseResponse, RefusesWhatCouldBeReadTwoWays) {
  for (const std::string_view head :
       {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 099 OK\r\n\r\n", "HTTP/1.1 600 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\n A: b\r\n\r\n", "HTTP/1.1 200 O\x01K\r\n\r\n",
        "HTTP/1.1 +20 OK\r\n\r\n", "garbage\r\n\r\n"}) {
    EXPECT_FALSE(parse_response(head, "GET")) << head;
  }
}

TEST(ParseChunkLine, ReadsSizesAndDropsExtensions) {
  EXPECT_EQ(parse_chunk_line("0"), 0U);
  EXPECT_EQ(parse_chunk_line("fF"), 255U);
  EXPECT_EQ(parse_chunk_line("00a"), 10U);
  EXPECT_EQ(parse_chunk_line("5;a"), 5U);
  EXPECT_EQ(parse_chunk_line("5;a=b;c=\"d e\";f"), 5U);
  for (const std::string_view line :
       {"", " 5", "5 ", "+5", "-5", "0x5", "5;", "5;;", "5; a", "5;a=", "5;a=\"", "5;a=\"b", "5;a=\"b\"c", "5;a b",
        "5,6", "g", "1000000000000000", "ffffffffffffffff", "5;a=\"\x01\""}) {
    EXPECT_EQ(parse_chunk_line(line).error().code, Code::HTTP_FRAMING) << line;
  }
}

TEST(ParseTrailers, RefuseWhatChangesTheMessage) {
  EXPECT_EQ(*parse_trailers("grpc-status: 0\r\n\r\n")->find("Grpc-Status"), "0");
  for (const std::string_view name :
       {"Content-Length", "transfer-encoding", "Host", "Authorization", "X-Forwarded-For"}) {
    EXPECT_EQ(parse_trailers(std::string(name) + ": 1\r\n\r\n").error().code, Code::HTTP_FRAMING) << name;
  }
  EXPECT_EQ(parse_trailers("a : 1\r\n\r\n").error().code, Code::HTTP_SYNTAX);
}

TEST(Write, NeverLetsAValueChangeTheHead) {
  RequestHead head{.method = "GET", .target = "/", .authority = "a", .headers = {{"A", "b\r\nC: d"}}, .upgrade = {}};
  EXPECT_FALSE(write_request(head, {}, true));
  head.headers = {{"A: b\r\nC", "d"}};
  EXPECT_FALSE(write_request(head, {}, true));
  head.headers = {};
  head.target = "/ HTTP/1.1\r\nX: y";
  EXPECT_FALSE(write_request(head, {}, true));
  head.target = "/";
  head.authority = "a\r\nX: y";
  EXPECT_FALSE(write_request(head, {}, true));
  EXPECT_FALSE(write_response({.status = 200, .headers = {{"Location", "x\ny"}}, .upgrade = {}}, {}, true));
  EXPECT_FALSE(write_response({.status = 99, .headers = {}, .upgrade = {}}, {}, true));
}

TEST(Write, FramingComesFromTheArgumentsAlone) {
  const ResponseHead head{
      .status = 200,
      .headers = {{"Content-Length", "9"}, {"Transfer-Encoding", "chunked"}, {"Connection", "x"}, {"A", "b"}},
      .upgrade = {}};
  EXPECT_EQ(write_response(head, {BodyKind::length, 3}, false),
            "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 3\r\nConnection: close\r\n\r\n");
}

// What is written is read back the same; in particular, what was admitted can be forwarded.
TEST(Write, RoundTrips) {
  const auto request = read_request("PUT /x?y HTTP/1.1\r\nHost: a:1\r\nX: \xff\r\nContent-Length: 4\r\n\r\n").value();
  const auto again = read_request(write_request(request.head, request.framing, true).value());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->head.target, "/x?y");
  EXPECT_EQ(*again->head.headers.find("x"), "\xff");
  EXPECT_EQ(again->framing.length, 4U);
}

}  // namespace
}  // namespace cages::http
