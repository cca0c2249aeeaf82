// SPDX-License-Identifier: Apache-2.0
// The server and the proxy over memory streams: raw bytes in, raw bytes out.
#include "http/server.h"

#include <gtest/gtest.h>

#include "http/client.h"
#include "http/forward.h"
#include "net/event_loop.h"
#include "net/memory.h"

namespace cages::http {
namespace {

using namespace std::chrono_literals;

// Answers with what was asked: method, target, body.
Task<Result<void>> echo(Request& request, Responder& responder) {
  CO_TRY_ASSIGN(Bytes body, co_await read_body(request.body, 1'000'000));
  Bytes text = to_bytes(request.head.method + " " + request.head.target + " ");
  append(text, body);
  co_return co_await answer(responder, 200, {}, std::move(text));
}

struct Http : testing::Test {
  ManualClock clock;
  net::EventLoop loop{clock};
  Draining draining;
  Result<void> served;

  // Sends `bytes`, ends our side unless told not to, and returns all that comes back.
  std::string talk(std::string_view bytes, const Handler& handler = echo, bool end = true) {
    std::string out;
    auto [client, server] = net::memory_pair(1 << 20);
    auto serve_it = [&]() -> Task<void> { served = co_await serve(loop.timers(), *server, handler, draining); };
    auto speak = [&]() -> Task<void> {
      EXPECT_TRUE(co_await client->write_all(as_bytes(bytes)));
      if (end) EXPECT_TRUE(co_await client->shutdown_write());
      const auto got = co_await net::read_until_end(*client, 1 << 20);
      if (got) out = std::string(as_text(*got));
      client->close();
    };
    loop.run(net::together(serve_it(), speak()));
    return out;
  }
};

std::string ok(std::string_view body, std::string_view more = "") {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + std::string(more) + "\r\n" +
         std::string(body);
}

TEST_F(Http, AnswersPipelinedRequestsInOrder) {
  EXPECT_EQ(
      talk("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
           "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
           "POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nde\r\n1\r\nf\r\n0\r\nT: v\r\n\r\n"
           "GET /4 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
           "GET /never HTTP/1.1\r\nHost: a\r\n\r\n"),
      ok("GET /1 ") + ok("POST /2 abc") + ok("POST /3 def") + ok("GET /4 ", "Connection: close\r\n"));
  EXPECT_TRUE(served);
}

TEST_F(Http, RefusesAndClosesWithoutReadingOn) {
  const std::string out = talk(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
      "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(out.starts_with("HTTP/1.1 400 Bad Request\r\n")) << out;
  EXPECT_NE(out.find("Connection: close\r\n"), std::string::npos);
  EXPECT_EQ(out.find("smuggled"), std::string::npos);
  EXPECT_EQ(served.error().code, Code::HTTP_FRAMING);
}

TEST_F(Http, RefusesBrokenChunksWith400) {
  for (const std::string_view body :
       {"x\r\n", "5\r\nabc\r\n", "3\r\nabcX\r\n", "3\nabc\r\n0\r\n\r\n", "3 \r\nabc\r\n0\r\n\r\n",
        "3\r\nabc\n0\r\n\r\n", "0\r\nContent-Length: 5\r\n\r\n", "fffffffffffffffff\r\n"}) {
    const std::string out = talk("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
                                 std::string(body) + "GET / HTTP/1.1\r\n\r\n");
    EXPECT_TRUE(out.starts_with("HTTP/1.1 400 ") || out.starts_with("HTTP/1.1 500 ")) << body << "\n" << out;
    EXPECT_EQ(out.find("200 OK"), std::string::npos) << body;
    EXPECT_FALSE(served);
  }
}

TEST_F(Http, NamesEachRefusal) {
  EXPECT_TRUE(talk("GET / HTTP/3.0\r\n\r\n").starts_with("HTTP/1.1 505 "));
  EXPECT_TRUE(talk("GET /" + std::string(9000, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n").starts_with("HTTP/1.1 414 "));
  EXPECT_TRUE(talk("GET / HTTP/1.1\r\nHost: a\r\nA: " + std::string(40'000, 'x')).starts_with("HTTP/1.1 431 "));
  EXPECT_TRUE(talk("GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n").starts_with("HTTP/1.1 417 "));
  const Handler limit = [](Request& request, Responder&) -> Task<Result<void>> {
    CO_TRY(co_await read_body(request.body, 3));
    co_return Result<void>();
  };
  EXPECT_TRUE(talk("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd", limit).starts_with("HTTP/1.1 413 "));
  const Handler overload = [](Request&, Responder&) -> Task<Result<void>> { co_return fail(Code::HTTP_OVERLOAD); };
  const std::string busy = talk("GET / HTTP/1.1\r\nHost: a\r\n\r\n", overload);
  EXPECT_TRUE(busy.starts_with("HTTP/1.1 503 ")) << busy;
  EXPECT_NE(busy.find("Retry-After: 1\r\n"), std::string::npos);
}

TEST_F(Http, ContinuesOnlyWhereTheBodyIsWanted) {
  EXPECT_EQ(
      talk("PUT /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n", echo, true).substr(0, 25),
      "HTTP/1.1 100 Continue\r\n\r\n");
  const Handler refuse = [](Request&, Responder& responder) { return answer(responder, 403, {}, {}); };
  const std::string out =
      talk("PUT /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n", refuse);
  EXPECT_TRUE(out.starts_with("HTTP/1.1 403 ")) << out;
  // The body came with the head: nothing to wait for.
  EXPECT_EQ(talk("PUT /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab"), ok("PUT /x ab"));
}

TEST_F(Http, HeadAnd204And304HaveNoBody) {
  EXPECT_EQ(talk("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n");
  for (const int status : {204, 304}) {
    const Handler handler = [=](Request&, Responder& responder) { return answer(responder, status, {}, {}); };
    const std::string out = talk("GET / HTTP/1.1\r\nHost: a\r\n\r\n", handler);
    EXPECT_EQ(out,
              "HTTP/1.1 " + std::to_string(status) + (status == 204 ? " No Content" : " Not Modified") + "\r\n\r\n");
  }
}

TEST_F(Http, ABodyOfUnknownLengthIsChunkedOrEndsTheConnection) {
  const Handler stream = [](Request&, Responder& responder) -> Task<Result<void>> {
    CO_TRY(co_await responder.respond({.status = 200, .headers = {}, .upgrade = {}}, std::nullopt));
    CO_TRY(co_await responder.write(as_bytes("abc")));
    CO_TRY(co_await responder.write(as_bytes("de")));
    co_return co_await responder.finish({{"T", "v"}});
  };
  EXPECT_EQ(talk("GET / HTTP/1.1\r\nHost: a\r\n\r\n", stream),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nT: v\r\n\r\n");
  EXPECT_EQ(talk("GET / HTTP/1.0\r\n\r\n", stream), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabcde");
}

TEST_F(Http, AnAnswerThatBreaksOffIsCutNotEnded) {
  const Handler broken = [](Request&, Responder& responder) -> Task<Result<void>> {
    CO_TRY(co_await responder.respond({.status = 200, .headers = {}, .upgrade = {}}, std::nullopt));
    CO_TRY(co_await responder.write(as_bytes("abc")));
    co_return fail(Code::UNREACHABLE);
  };
  const std::string out = talk("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", broken);
  EXPECT_EQ(out, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
}

TEST_F(Http, WhatAHandlerLeavesOfABodyIsNotTheNextRequest) {
  const Handler ignore = [](Request&, Responder& responder) { return answer(responder, 200, {}, {}); };
  EXPECT_EQ(talk("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\nGET /x HTTP/1.1\r\n\r\n.GET / "
                 "HTTP/1.1\r\nHost: a\r\n\r\n",
                 ignore),
            ok("") + ok(""));
}

TEST_F(Http, SilentAndSlowClientsAreClosed) {
  EXPECT_EQ(talk("", echo, false), "");
  EXPECT_EQ(loop.timers().now(), Nanoseconds(limits::kHttpIdleTime));
  Nanoseconds before = loop.timers().now();
  EXPECT_EQ(talk("GET / HT", echo, false), "");
  EXPECT_EQ(loop.timers().now() - before, Nanoseconds(limits::kHttpHeadTime));
  before = loop.timers().now();
  EXPECT_EQ(talk("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na", echo, false), "");
  EXPECT_EQ(loop.timers().now() - before, Nanoseconds(limits::kHttpBodyIdleTime));
}

TEST_F(Http, DrainingEndsIdleConnectionsAtOnceAndOthersAfterTheirRequest) {
  const Handler slow = [&](Request&, Responder& responder) -> Task<Result<void>> {
    co_await loop.timers().sleep(5s);
    co_return co_await answer(responder, 200, {}, {});
  };
  auto begin = [&]() -> Task<void> {
    co_await loop.timers().sleep(2s);
    draining.begin();
  };
  std::string busy;
  auto [client, server] = net::memory_pair();
  auto [idle_client, idle_server] = net::memory_pair();
  auto serve_idle = [&]() -> Task<void> {
    EXPECT_TRUE(co_await serve(loop.timers(), *idle_server, slow, draining));
    EXPECT_EQ(loop.timers().now(), Nanoseconds(2s));
  };
  auto hear_the_end = [&]() -> Task<void> {
    EXPECT_EQ((co_await net::read_until_end(*idle_client, 1000)).value(), Bytes());
    idle_client->close();
  };
  auto serve_busy = [&]() -> Task<void> { EXPECT_TRUE(co_await serve(loop.timers(), *server, slow, draining)); };
  auto ask = [&]() -> Task<void> {
    EXPECT_TRUE(co_await client->write_all(as_bytes("GET / HTTP/1.1\r\nHost: a\r\n\r\n")));
    busy = std::string(as_text((co_await net::read_until_end(*client, 1000)).value()));
    client->close();
  };
  loop.run(net::together(net::together(begin(), net::together(serve_idle(), hear_the_end())),
                         net::together(serve_busy(), ask())));
  EXPECT_EQ(busy, ok("", "Connection: close\r\n"));
}

// A client, the proxy and an app, over carriers that split, delay and reorder.
struct Proxy : Http {
  Handler app = echo;
  std::uint64_t seed = 0;
  net::Hostility hostility;
  std::size_t forwarded = 0;

  net::StreamPtr carry(net::StreamPtr stream) {
    return seed == 0 ? std::move(stream) : net::hostile(loop, std::move(stream), seed++, hostility);
  }
  Handler proxy() {
    return [this](Request& request, Responder& responder) -> Task<Result<void>> {
      ++forwarded;
      auto [near, far] = net::memory_pair(4096);
      auto far_end = carry(std::move(far));
      Client upstream(loop.timers(), carry(std::move(near)));
      Draining never;
      Result<void> done;
      auto serve_app = [&]() -> Task<void> { std::ignore = co_await serve(loop.timers(), *far_end, app, never); };
      auto carry_it = [&]() -> Task<void> { done = co_await forward(loop.timers(), request, upstream, responder); };
      co_await net::either(carry_it(), serve_app());
      co_return done;
    };
  }
};

TEST_F(Proxy, ForwardsWholeRequestsAndNothingHopByHop) {
  std::vector<std::string> names;
  app = [&](Request& request, Responder& responder) -> Task<Result<void>> {
    for (const Header& header : request.head.headers) names.push_back(header.name + "=" + header.value);
    names.push_back(request.head.authority);
    CO_TRY_ASSIGN(Bytes body, co_await read_body(request.body, 100));
    co_return co_await answer(responder, 201, {{"X-App", "1"}}, std::move(body));
  };
  const std::string out = talk(
      "POST /p HTTP/1.1\r\nHost: cage\r\nA: b\r\nConnection: X-Hop\r\nX-Hop: 1\r\nTE: trailers\r\nContent-Length: "
      "2\r\n\r\nhi",
      proxy());
  EXPECT_EQ(out, "HTTP/1.1 201 Created\r\nX-App: 1\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_EQ(names, (std::vector<std::string>{"A=b", "cage"}));
}

TEST_F(Proxy, NothingRefusedIsForwarded) {
  talk("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", proxy());
  talk("GET / HTTP/1.1\r\nHost : a\r\n\r\n", proxy());
  EXPECT_EQ(forwarded, 0U);
}

TEST_F(Proxy, ABodyThatBreaksNeverLooksWholeToTheApp) {
  Result<Bytes> seen = Bytes();
  app = [&](Request& request, Responder& responder) -> Task<Result<void>> {
    seen = co_await read_body(request.body, 100);
    CO_TRY(seen);
    co_return co_await answer(responder, 200, {}, {});
  };
  const std::string out =
      talk("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n\r\n", proxy());
  EXPECT_TRUE(out.starts_with("HTTP/1.1 400 ")) << out;
  EXPECT_FALSE(seen);
}

TEST_F(Proxy, StreamsBothWaysAtATime) {
  // The app answers each piece as it comes; the client sends the next only after it has read the answer to the last.
  app = [](Request& request, Responder& responder) -> Task<Result<void>> {
    CO_TRY(co_await responder.respond({.status = 200, .headers = {}, .upgrade = {}}, std::nullopt));
    CO_TRY(co_await responder.flush());
    Bytes buffer(100);
    for (;;) {
      CO_TRY_ASSIGN(const std::size_t n, co_await request.body.read_some(buffer));
      if (n == 0) break;
      CO_TRY(co_await responder.write(ByteView(buffer).first(n)));
    }
    co_return co_await responder.finish(request.body.trailers());
  };
  auto [client, server] = net::memory_pair();
  const Handler handler = proxy();
  auto serve_it = [&]() -> Task<void> { served = co_await serve(loop.timers(), *server, handler, draining); };
  auto expect = [&](std::string_view text) -> Task<void> {
    std::string got(text.size(), ' ');
    EXPECT_TRUE(co_await net::read_exact(*client, {reinterpret_cast<Byte*>(got.data()), got.size()}));
    EXPECT_EQ(got, text);
  };
  auto speak = [&]() -> Task<void> {
    EXPECT_TRUE(co_await client->write_all(
        as_bytes("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n")));
    co_await expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(co_await client->write_all(as_bytes("4\r\nping\r\n")));
      co_await expect("4\r\nping\r\n");
    }
    EXPECT_TRUE(co_await client->write_all(as_bytes("0\r\nGrpc-Status: 0\r\n\r\n")));
    co_await expect("0\r\nGrpc-Status: 0\r\n\r\n");
    client->close();
  };
  loop.run(net::together(serve_it(), speak()));
  EXPECT_TRUE(served);
}

TEST_F(Proxy, AnAppThatAnswersEarlyEndsTheUpload) {
  app = [](Request&, Responder& responder) { return answer(responder, 413, {}, to_bytes("too much")); };
  const std::string out = talk(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n" + std::string(100'000, 'x'), proxy(), false);
  EXPECT_EQ(out, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\n\r\ntoo much");
}

// The answer is whole while the proxy still waits for the body: what comes then is neither body nor request to anybody.
TEST_F(Proxy, AnEarlyAnswerNeverLeavesHalfABodyAsTheNextRequest) {
  app = [](Request&, Responder& responder) { return answer(responder, 200, {}, to_bytes("early")); };
  for (const std::string_view begin : {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60\r\n\r\n0123456789",
                                       "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3"}) {
    forwarded = 0;
    auto [client, server] = net::memory_pair();
    const Handler handler = proxy();
    auto serve_it = [&]() -> Task<void> { std::ignore = co_await serve(loop.timers(), *server, handler, draining); };
    auto speak = [&]() -> Task<void> {
      EXPECT_TRUE(co_await client->write_all(as_bytes(begin)));
      co_await loop.timers().sleep(1s);
      std::ignore = co_await client->write_all(as_bytes("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"));
      const auto got = co_await net::read_until_end(*client, 1000);
      EXPECT_TRUE(got && as_text(*got) == ok("early")) << (got ? as_text(*got) : "");
      client->close();
    };
    loop.run(net::together(serve_it(), speak()));
    EXPECT_EQ(forwarded, 1U);
  }
}

TEST_F(Proxy, AnAppThatIsNotHttpIsA502) {
  const Handler dead = [&](Request& request, Responder& responder) -> Task<Result<void>> {
    auto [near, far] = net::memory_pair();
    EXPECT_TRUE(co_await far->write_all(as_bytes("SSH-2.0-x\r\n\r\n")));
    Client upstream(loop.timers(), std::move(near));
    co_return co_await forward(loop.timers(), request, upstream, responder);
  };
  EXPECT_TRUE(talk("GET / HTTP/1.1\r\nHost: a\r\n\r\n", dead).starts_with("HTTP/1.1 502 "));
  const Handler gone = [&](Request& request, Responder& responder) -> Task<Result<void>> {
    auto [near, far] = net::memory_pair();
    far.reset();
    Client upstream(loop.timers(), std::move(near));
    co_return co_await forward(loop.timers(), request, upstream, responder);
  };
  EXPECT_TRUE(talk("GET / HTTP/1.1\r\nHost: a\r\n\r\n", gone).starts_with("HTTP/1.1 502 "));
}

TEST_F(Proxy, UpgradesToRawBytesWhereBothSidesAgree) {
  app = [](Request& request, Responder& responder) -> Task<Result<void>> {
    EXPECT_EQ(request.head.upgrade, "websocket");
    CO_TRY_ASSIGN(net::Stream* const raw,
                  co_await responder.upgrade(
                      {.status = 101, .headers = {{"Sec-WebSocket-Accept", "x"}}, .upgrade = "websocket"}));
    CO_TRY_ASSIGN(const Bytes got, co_await net::read_until_end(*raw, 100));
    CO_TRY(co_await raw->write_all(got));
    co_return co_await raw->shutdown_write();
  };
  const std::string out = talk(
      "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: "
      "k\r\n\r\n\x81\x05hello",
      proxy());
  EXPECT_EQ(out,
            "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\nConnection: upgrade\r\n"
            "Upgrade: websocket\r\n\r\n\x81\x05hello");
}

TEST_F(Proxy, AnUpgradeThatNobodyAskedForIsA502) {
  const Handler handler = [&](Request& request, Responder& responder) -> Task<Result<void>> {
    auto [near, far] = net::memory_pair();
    EXPECT_TRUE(
        co_await far->write_all(as_bytes("HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")));
    Client upstream(loop.timers(), std::move(near));
    co_return co_await forward(loop.timers(), request, upstream, responder);
  };
  EXPECT_TRUE(talk("GET / HTTP/1.1\r\nHost: a\r\n\r\n", handler).starts_with("HTTP/1.1 502 "));
}

class ProxySeeds : public Proxy, public testing::WithParamInterface<std::uint64_t> {};

TEST_P(ProxySeeds, CarriesRequestsWholeWhateverTheCarrierDoes) {
  seed = GetParam() * 1000;
  const std::string body(30'000, 'b');
  const std::string requests = "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 30000\r\n\r\n" + body +
                               "POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n7530\r\n" + body +
                               "\r\n0\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  const std::string out = talk(requests, proxy());
  EXPECT_TRUE(out == ok("POST /1 " + body) + ok("POST /2 " + body) + ok("GET /3 ", "Connection: close\r\n"))
      << out.size() << " bytes, the last " << out.substr(out.size() - std::min<std::size_t>(out.size(), 200));
}

TEST_P(ProxySeeds, NeverHangsOrCrashesWhereTheCarrierCuts) {
  seed = GetParam() * 1000;
  hostility.cut = 0.05;
  const std::string out =
      talk("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 300\r\n\r\n" + std::string(300, 'b'), proxy());
  EXPECT_TRUE(out.empty() || out.starts_with("HTTP/1.1 ")) << out;
}

INSTANTIATE_TEST_SUITE_P(Seeds, ProxySeeds, testing::Range<std::uint64_t>(1, 31));

TEST_F(Http, TheClientAsksAndReusesItsConnection) {
  auto [near, far] = net::memory_pair(1000);
  auto server = std::move(far);
  const Handler handler = echo;
  auto serve_it = [&]() -> Task<void> { served = co_await serve(loop.timers(), *server, handler, draining); };
  auto ask = [&](net::StreamPtr stream) -> Task<void> {
    Client client(loop.timers(), std::move(stream));
    for (const std::string target : {"/1", "/2"}) {
      auto got =
          co_await client.request({.method = "PUT", .target = target, .authority = "a", .headers = {}, .upgrade = {}},
                                  Bytes(5000, Byte{'x'}), 10'000);
      EXPECT_TRUE(got) << describe(got.error());
      EXPECT_EQ(got->head.status, 200);
      EXPECT_EQ(got->body.size(), 5000 + 5 + target.size());
      EXPECT_TRUE(client.reusable());
    }
    auto more = co_await client.request(
        {.method = "GET", .target = "/", .authority = "a", .headers = {}, .upgrade = {}}, Bytes(), 3);
    EXPECT_EQ(more.error().code, Code::LIMIT);
    client.close();
  };
  loop.run(net::together(serve_it(), ask(std::move(near))));
}

}  // namespace
}  // namespace cages::http
