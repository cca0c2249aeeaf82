// SPDX-License-Identifier: Apache-2.0
// The enclave's half of egress in one process: what the app reaches, what it does not, and what becomes of it when the
// host lies, stalls, floods or goes.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "support/egress_enclave.h"

namespace cages {
namespace {

using namespace std::chrono_literals;
namespace dns = wire::dns;
using test::answer_open;
using test::EnclaveEgress;

TEST(EgressFlow, BytesPassBothWaysAndSoDoesEachEnd) {
  EnclaveEgress flow({"api.example.com"});
  std::optional<wire::EgressOpen> asked;
  flow.host_egress = [&](net::Stream& stream) -> Task<void> {
    auto open = co_await answer_open(stream, wire::EgressCode::ok);
    EXPECT_TRUE(open);
    asked = *open;
    // Until the app has ended its side; only then its own answer and end.
    const auto sent = co_await net::read_until_end(stream, 1 << 20);
    EXPECT_TRUE(sent);
    EXPECT_TRUE(co_await stream.write_all(*sent));
    EXPECT_TRUE(co_await stream.shutdown_write());
  };
  flow.run([&]() -> Task<void> {
    const auto app = flow.connect("api.example.com", 443);
    const Bytes data(200'000, 'x');
    EXPECT_TRUE(co_await app->write_all(data));
    EXPECT_TRUE(co_await app->shutdown_write());
    EXPECT_EQ(co_await net::read_until_end(*app, 1 << 20), data);
  });
  EXPECT_EQ(asked, (wire::EgressOpen{std::string("api.example.com"), 443, flow.digest}));
  EXPECT_EQ(flow.gateway.streams(), 0U);
  EXPECT_TRUE(flow.said.empty());
}

TEST(EgressFlow, AServerThatSpeaksFirstIsHeardWithoutAWait) {
  EnclaveEgress flow({"mail.example.com:25"});
  flow.host_egress = [](net::Stream& stream) -> Task<void> {
    EXPECT_TRUE(co_await answer_open(stream, wire::EgressCode::ok));
    EXPECT_TRUE(co_await stream.write_all(as_bytes("220 ready\r\n")));
    Byte byte = 0;
    std::ignore = co_await stream.read_some({&byte, 1});
  };
  flow.run([&]() -> Task<void> {
    const Nanoseconds before = flow.clock.monotonic();
    const auto app = flow.connect("mail.example.com", 25);
    Bytes greeting(11);
    EXPECT_TRUE(co_await net::read_exact(*app, greeting));
    EXPECT_EQ(as_text(greeting), "220 ready\r\n");
    EXPECT_EQ(flow.clock.monotonic(), before);  // no timer was waited for
  });
}

TEST(EgressFlow, LiteralsGoAsAddressesAndNetworksCoverThem) {
  EnclaveEgress flow({"192.0.2.0/24:5432", "[2001:db8::1]:*"});
  std::vector<wire::EgressOpen> asked;
  flow.host_egress = [&](net::Stream& stream) -> Task<void> {
    auto open = co_await answer_open(stream, wire::EgressCode::ok);
    EXPECT_TRUE(open);
    asked.push_back(*open);
  };
  flow.run([&]() -> Task<void> {
    for (const auto& [text, port] : {std::pair{"192.0.2.7", 5432}, std::pair{"2001:db8::1", 65535}}) {
      const auto app = flow.caught.connect(*parse_ip(text), static_cast<std::uint16_t>(port));
      EXPECT_TRUE(co_await flow.ended(*app));
    }
  });
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[0].target, (std::variant<std::string, IpAddress>(*parse_ip("192.0.2.7"))));
  EXPECT_EQ(asked[1].port, 65535);
}

TEST(EgressFlow, WhatIsNotListedIsResetAndNamesTheLineToAdd) {
  EnclaveEgress flow({"api.example.com", "*.example.org:*", "192.0.2.1"});
  flow.run([&]() -> Task<void> {
    EXPECT_TRUE(co_await flow.ended(*flow.connect("api.example.com", 8443)));
    EXPECT_TRUE(co_await flow.ended(*flow.caught.connect(*parse_ip("192.0.2.2"), 443)));
    EXPECT_TRUE(co_await flow.ended(*flow.caught.connect(*parse_ip("2001:db8::5"), 6379)));
    EXPECT_TRUE(co_await flow.ended(*flow.caught.connect(*parse_ip("127.99.0.1"), 443)));  // no name has it
    EXPECT_TRUE(co_await flow.ended(*flow.caught.connect(*parse_ip("127.0.0.1"), 443)));
    EXPECT_EQ((co_await flow.ask("example.org", dns::type::kA)).rcode, dns::Rcode::refused);
  });
  EXPECT_EQ(flow.host_streams, 0U);
  ASSERT_EQ(flow.said.size(), 6U);
  EXPECT_EQ(flow.said[0], "egress refused: api.example.com port 8443: add \"api.example.com:8443\" in [egress] allow");
  EXPECT_EQ(flow.said[1], "egress refused: 192.0.2.2 port 443: add \"192.0.2.2\" in [egress] allow");
  EXPECT_EQ(flow.said[2], "egress refused: 2001:db8::5 port 6379: add \"[2001:db8::5]:6379\" in [egress] allow");
  EXPECT_NE(flow.said[5].find("add \"example.org\""), std::string::npos) << flow.said[5];
}

TEST(EgressFlow, ARefusalIsSaidOnceAndAFloodOfThemIsCounted) {
  EnclaveEgress flow({"api.example.com"});
  flow.run([&]() -> Task<void> {
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(co_await flow.ended(*flow.connect("api.example.com", 25)));
    EXPECT_EQ(flow.said.size(), 1U);
    for (std::uint16_t port = 1000; port < 2000; ++port) EXPECT_TRUE(co_await flow.ended(*flow.connect("api.example.com", port)));
  });
  EXPECT_LE(flow.said.size(), 50U);
  const auto metrics = flow.tally.sample();
  const auto refused = std::ranges::find(metrics, std::string(wire::kEgressRefusedMetric), &wire::Metric::name);
  EXPECT_EQ(refused->value, 1020);
}

TEST(EgressFlow, TheHostsRefusalIsAnAlarmOnceAndAResetEachTime) {
  EnclaveEgress flow({"api.example.com", "10.0.0.1"});
  wire::EgressCode code = wire::EgressCode::address;
  flow.host_egress = [&](net::Stream& stream) -> Task<void> { EXPECT_TRUE(co_await answer_open(stream, code, "said\x1b[31m")); };
  flow.run([&]() -> Task<void> {
    EXPECT_TRUE(co_await flow.ended(*flow.caught.connect(*parse_ip("10.0.0.1"), 443)));
    EXPECT_FALSE(flow.tally.alarm());  // a private range is the operator's to judge
    code = wire::EgressCode::refused;
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(co_await flow.ended(*flow.connect("api.example.com", 443)));
  });
  EXPECT_TRUE(flow.tally.alarm());
  EXPECT_EQ(std::ranges::count_if(flow.said, [](const std::string& line) { return line.contains("ALARM"); }), 1);
  EXPECT_TRUE(std::ranges::none_of(flow.said, [](const std::string& line) { return line.contains('\x1b'); }));
}

// The bound on connections answers with a reset; names and other connections go on.
TEST(EgressFlow, ConnectionsBeyondTheBoundAreResetAndDnsGoesOn) {
  EnclaveEgress flow({"api.example.com", "txt.example.com"});
  flow.host_egress = test::echo;
  flow.host_dns = [](net::Stream& stream) -> Task<void> {
    const auto payload = co_await net::read_frame(stream);
    const auto query = wire::parse_name_query(*payload);
    const dns::Query asked{0, true, {query->name, query->type}, std::nullopt, {}};
    dns::Query written = *dns::parse_query(dns::write_query(asked));
    dns::Reply reply;
    reply.records.push_back({query->name, dns::type::kTxt, 60, to_bytes("\x01x"), std::nullopt, {}});
    std::ignore = co_await stream.write_all(
        wire::write_name_answer({query->id, wire::EgressCode::ok, dns::write_reply(written, reply, 4096)}));
  };
  flow.run([&]() -> Task<void> {
    std::vector<net::StreamPtr> open;
    for (std::size_t i = 0; i < limits::kEgressStreamsMax; ++i) open.push_back(flow.connect("api.example.com", 443));
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(co_await flow.ended(*flow.connect("api.example.com", 443)));
    EXPECT_EQ(flow.gateway.streams(), limits::kEgressStreamsMax);
    EXPECT_EQ((co_await flow.ask("api.example.com", dns::type::kA)).records.size(), 1U);
    EXPECT_EQ((co_await flow.ask("txt.example.com", dns::type::kTxt)).records.size(), 1U);
    Byte byte = 'x';
    EXPECT_TRUE(co_await open[7]->write_all({&byte, 1}));
    EXPECT_TRUE(co_await net::read_exact(*open[7], {&byte, 1}));
    open.clear();
    co_await flow.loop.timers().sleep(1s);
    EXPECT_EQ(flow.gateway.streams(), 0U);
    const auto again = flow.connect("api.example.com", 443);
    EXPECT_TRUE(co_await again->write_all({&byte, 1}));
    EXPECT_TRUE(co_await net::read_exact(*again, {&byte, 1}));
  });
}

TEST(EgressFlow, AHostThatStallsHoldsNothingBeyondItsTime) {
  EnclaveEgress flow({"api.example.com"});
  const auto stall = [&](net::Stream& stream) -> Task<void> {
    Bytes all(65536);
    for (;;) {
      const auto got = co_await stream.read_some(all);
      if (!got || *got == 0) co_return;
    }
  };
  flow.host_egress = stall;
  flow.host_dns = stall;
  flow.run([&]() -> Task<void> {
    const auto app = flow.connect("api.example.com", 443);
    EXPECT_TRUE(co_await flow.ended(*app, 60s));
    EXPECT_EQ(flow.gateway.streams(), 0U);
    const Nanoseconds before = flow.clock.monotonic();
    EXPECT_EQ((co_await flow.ask("api.example.com", dns::type::kTxt)).rcode, dns::Rcode::server);
    EXPECT_LE(flow.clock.monotonic() - before, limits::kDnsAnswerTime + 1s);
  });
}

TEST(EgressFlow, AHostThatIsNotThereResetsAndFailsAtOnce) {
  EnclaveEgress flow({"api.example.com"});
  flow.loop.run([](EnclaveEgress& f) -> Task<void> {
    net::TaskGroup tasks(f.loop);
    tasks.spawn("gateway", f.gateway.serve(f.caught));
    EXPECT_TRUE(co_await f.ended(*f.connect("api.example.com", 443)));
    EXPECT_EQ((co_await f.ask("api.example.com", dns::type::kMx)).rcode, dns::Rcode::server);
    f.caught.close();
    co_await tasks.stop();
  }(flow));
}

// Bytes of chance instead of an answer, of any length, then an end or silence; over a carrier that splits and cuts.
TEST(EgressFlow, GarbageFromAHostEndsOneConnectionEach) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    EnclaveEgress flow({"api.example.com"});
    std::mt19937_64 chance(seed);
    const auto garbage = [&](net::Stream& stream) -> Task<void> {
      Bytes bytes(chance() % 3000);
      for (Byte& b : bytes) b = static_cast<Byte>(chance());
      if (bytes.size() > 4 && chance() % 2 == 0) {
        // A length that fits, so that what is behind it is read as a message.
        const std::size_t length = bytes.size() - 4;
        bytes[0] = bytes[1] = 0;
        bytes[2] = static_cast<Byte>(length >> 8);
        bytes[3] = static_cast<Byte>(length);
      }
      std::ignore = co_await stream.write_all(bytes);
      if (chance() % 2 == 0) co_await flow.loop.timers().sleep(30s);
    };
    flow.host_egress = garbage;
    flow.host_dns = garbage;
    flow.run([&]() -> Task<void> {
      for (int i = 0; i < 5; ++i) {
        EXPECT_TRUE(co_await flow.ended(*flow.connect("api.example.com", 443), 60s)) << seed;
        EXPECT_EQ((co_await flow.ask("api.example.com", dns::type::kTxt)).rcode, dns::Rcode::server) << seed;
      }
    });
    EXPECT_EQ(flow.gateway.streams(), 0U);
  }
}

// A host that floods is read no faster than the app reads.
TEST(EgressFlow, AFloodWaitsForTheApp) {
  EnclaveEgress flow({"api.example.com"});
  std::size_t flooded = 0;
  flow.host_egress = [&](net::Stream& stream) -> Task<void> {
    if (!co_await answer_open(stream, wire::EgressCode::ok)) co_return;
    const Bytes piece(16 * 1024, 'f');
    while (flooded < std::size_t{100} << 20) {
      if (!co_await stream.write_all(piece)) co_return;
      flooded += piece.size();
    }
  };
  flow.run([&]() -> Task<void> {
    const auto app = flow.connect("api.example.com", 443);
    co_await flow.loop.timers().sleep(10s);
    EXPECT_LE(flooded, std::size_t{512} * 1024);  // two memory streams and one buffer
    app->close();
    co_await flow.loop.timers().sleep(1s);
    EXPECT_EQ(flow.gateway.streams(), 0U);
  });
}

TEST(EgressFlow, AHundredThousandNamesAreResolvedAndNothingGrows) {
  EnclaveEgress flow({"*.example.com"});
  flow.run([&]() -> Task<void> {
    for (int i = 0; i < 100'000; ++i) {
      const dns::Query query{1, true, {"n" + std::to_string(i) + ".example.com", dns::type::kA}, std::nullopt, {}};
      const auto reply = flow.resolver.at_once(query);
      if (!reply || reply->records.size() != 1) co_return ADD_FAILURE() << i;
    }
    EXPECT_EQ(flow.names.size(), limits::kEgressNamesMax);
    EXPECT_TRUE(flow.said.empty());
    for (int i = 0; i < 100'000; ++i) {
      const dns::Query query{1, true, {"n" + std::to_string(i) + ".example.net", dns::type::kA}, std::nullopt, {}};
      if (flow.resolver.at_once(query)->rcode != dns::Rcode::refused) co_return ADD_FAILURE() << i;
    }
    EXPECT_LE(flow.said.size(), 50U);
  });
}

}  // namespace
}  // namespace cages
