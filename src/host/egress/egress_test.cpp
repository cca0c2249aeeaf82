// SPDX-License-Identifier: Apache-2.0
#include "host/egress/egress.h"

#include <gtest/gtest.h>

#include "support/egress.h"

namespace cages::host {
namespace {

using test::EgressHost;
using wire::EgressCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

Task<std::string> read_all(net::Stream& stream) {
  const auto bytes = co_await net::read_until_end(stream, 1 << 20);
  co_return bytes ? std::string(as_text(*bytes)) : "error";
}

TEST(Egress, ConnectsANameAndPassesBytesAndEndsBothWays) {
  EgressHost host({"api.example.com"});
  host.names.set("api.example.com", {"8.8.8.8"});
  host.connector.up = {"8.8.8.8"};
  host.run([&]() -> Task<void> {
    auto opened = co_await host.open(host.to("api.example.com"));
    EXPECT_EQ(opened.answer.code, EgressCode::ok) << opened.answer.text;
    net::Stream& server = *host.connector.ends.at(0);
    // The server speaks first.
    EXPECT_TRUE(co_await server.write_all(to_bytes("220 hello")));
    std::array<Byte, 9> greeting{};
    EXPECT_TRUE(co_await net::read_exact(*opened.stream, greeting));
    EXPECT_EQ(as_text(greeting), "220 hello");
    // The client's end is passed on, and the server goes on.
    EXPECT_TRUE(co_await opened.stream->write_all(to_bytes("QUIT")));
    EXPECT_TRUE(co_await opened.stream->shutdown_write());
    EXPECT_EQ(co_await read_all(server), "QUIT");
    EXPECT_TRUE(co_await server.write_all(to_bytes("221 bye")));
    EXPECT_TRUE(co_await server.shutdown_write());
    EXPECT_EQ(co_await read_all(*opened.stream), "221 bye");
  });
  EXPECT_EQ(host.connector.dialled, std::vector<std::string>{"8.8.8.8:443"});
  EXPECT_EQ(host.egress.counts().entries[0].allowed, 1U);
  EXPECT_EQ(host.egress.counts().entries[0].refused, 0U);
  EXPECT_EQ(host.egress.counts().forward_bytes, 4U);
  EXPECT_EQ(host.egress.counts().backward_bytes, 16U);
  EXPECT_EQ(host.egress.counts().alarms, 0U);
  EXPECT_EQ(host.egress.streams(), 0U);
}

TEST(Egress, KeepsNamesAsLongAsTheirTtlAndAsksOnceForMany) {
  EgressHost host({"api.example.com"});
  host.connector.up = {"8.8.8.8"};
  const auto times = [&] { return host.names.asked["api.example.com"]; };
  host.names.delay = milliseconds(50);
  host.names.set("api.example.com", {"8.8.8.8"}, seconds(30));
  host.run([&]() -> Task<void> {
    int done = 0;
    net::TaskGroup many(host.loop);
    const auto one = [](EgressHost& of, int& count) -> Task<void> {
      const auto opened = co_await of.open(of.to("api.example.com"));
      count += opened.answer.code == EgressCode::ok ? 1 : 0;
    };
    for (int i = 0; i < 20; ++i) many.spawn("one", one(host, done));
    co_await many.join();
    EXPECT_EQ(done, 20);
    EXPECT_EQ(times(), 1);
    co_await host.loop.timers().sleep(seconds(29));
    co_await host.open(host.to("api.example.com"));
    EXPECT_EQ(times(), 1);
    co_await host.loop.timers().sleep(seconds(2));
    host.names.set("api.example.com", {"8.8.8.8"}, seconds(0));
    co_await host.open(host.to("api.example.com"));
    EXPECT_EQ(times(), 2);
    co_await host.open(host.to("api.example.com"));
    EXPECT_EQ(times(), 3) << "a TTL of 0 is good for once";
  });
}

TEST(Names, HoldNoMoreThanTheirBound) {
  ManualClock clock;
  net::EventLoop loop(clock);
  test::FakeNames source(loop);
  Names names(loop, source);
  const std::size_t more = limits::kDnsCacheEntriesMax + 50;
  for (std::size_t i = 0; i < more; ++i) source.set("n" + std::to_string(i) + ".example", {"8.8.8.8"}, seconds(100 + i));
  const auto ask_all = [&]() -> Task<void> {
    for (std::size_t i = 0; i < more; ++i) EXPECT_TRUE(co_await names.addresses("n" + std::to_string(i) + ".example", seconds(5)));
  };
  loop.run(ask_all());
  EXPECT_EQ(names.kept(), limits::kDnsCacheEntriesMax);
}

TEST(Egress, TriesTheFamiliesInTurnAndDoesNotWaitForASlowOne) {
  EgressHost host({"api.example.com"});
  host.names.set("api.example.com", {"8.8.8.8", "8.8.4.4", "2606:4700::1", "2606:4700::2"});
  host.connector.up = {"8.8.8.8"};
  host.connector.delays = {{"2606:4700::1", seconds(100)}};
  host.run([&]() -> Task<void> {
    const Nanoseconds began = host.loop.timers().now();
    const auto opened = co_await host.open(host.to("api.example.com"));
    EXPECT_EQ(opened.answer.code, EgressCode::ok);
    EXPECT_EQ(host.loop.timers().now() - began, limits::kEgressAttemptDelay);
  });
  EXPECT_EQ(host.connector.dialled, (std::vector<std::string>{"2606:4700::1:443", "8.8.8.8:443"}));
}

TEST(Egress, SaysWhyNothingWasReached) {
  EgressHost host({"api.example.com", "gone.example.com", "slow.example.com"});
  host.names.set("api.example.com", {"8.8.8.8", "2606:4700::1"});
  host.names.set("slow.example.com", {"8.8.4.4"});
  host.connector.delays = {{"8.8.4.4", seconds(1000)}};
  host.run([&]() -> Task<void> {
    auto refused = co_await host.open(host.to("api.example.com"));
    EXPECT_EQ(refused.answer, (wire::EgressAnswer{EgressCode::dial, "8.8.8.8: Connection refused"}));
    EXPECT_EQ((co_await host.open(host.to("gone.example.com"))).answer.code, EgressCode::resolve);
    const Nanoseconds began = host.loop.timers().now();
    EXPECT_EQ((co_await host.open(host.to("slow.example.com"))).answer.code, EgressCode::dial);
    EXPECT_EQ(host.loop.timers().now() - began, Nanoseconds(limits::kEgressDialTime));
    EXPECT_EQ(co_await read_all(*refused.stream), "") << "the stream ends after a refusal";
  });
  for (const auto& entry : host.egress.counts().entries) EXPECT_EQ(entry.refused, 1U);
  EXPECT_EQ(host.egress.counts().alarms, 0U) << "not reaching is no contradiction";
}

TEST(Egress, DialsAnAddressOnlyAsTheListHasIt) {
  EgressHost host({"8.8.8.8:53", "9.9.9.0/24:853"});
  host.connector.up = {"8.8.8.8", "9.9.9.9"};
  host.run([&]() -> Task<void> {
    EXPECT_EQ(co_await host.code_of(host.to_address("8.8.8.8", 53)), EgressCode::ok);
    EXPECT_EQ(co_await host.code_of(host.to_address("9.9.9.9", 853)), EgressCode::ok);
    EXPECT_EQ(co_await host.code_of(host.to_address("9.9.8.9", 853)), EgressCode::refused);
    EXPECT_EQ(co_await host.code_of(host.to_address("8.8.8.8", 54)), EgressCode::refused);
    EXPECT_EQ(co_await host.code_of(host.to("8.8.8.8", 53)), EgressCode::refused);
  });
  EXPECT_EQ(host.egress.counts().alarms, 3U);
}

// Two names with one address: what counts is the name, so neither opens the other's ports.
TEST(Egress, JudgesNamesThatShareAnAddressEachByItsOwnEntry) {
  EgressHost host({"one.example.com:443", "two.example.com:5432"});
  for (const char* name : {"one.example.com", "two.example.com"}) host.names.set(name, {"8.8.8.8"});
  host.connector.up = {"8.8.8.8"};
  host.run([&]() -> Task<void> {
    EXPECT_EQ(co_await host.code_of(host.to("one.example.com", 443)), EgressCode::ok);
    EXPECT_EQ(co_await host.code_of(host.to("two.example.com", 5432)), EgressCode::ok);
    EXPECT_EQ(co_await host.code_of(host.to("one.example.com", 5432)), EgressCode::refused);
    EXPECT_EQ(co_await host.code_of(host.to("two.example.com", 443)), EgressCode::refused);
    EXPECT_EQ(co_await host.code_of(host.to_address("8.8.8.8", 443)), EgressCode::refused);
  });
}

TEST(Egress, BoundsHowFastACageDials) {
  EgressHost host({"api.example.com"});
  host.names.set("api.example.com", {"8.8.8.8"});
  host.connector.up = {"8.8.8.8"};
  host.run([&]() -> Task<void> {
    int ok = 0;
    EgressCode last{};
    for (int i = 0; i < limits::kEgressDialsBurst + 10; ++i) {
      last = (co_await host.open(host.to("api.example.com"))).answer.code;
      ok += last == EgressCode::ok ? 1 : 0;
    }
    EXPECT_EQ(ok, limits::kEgressDialsBurst);
    EXPECT_EQ(last, EgressCode::overload);
    co_await host.loop.timers().sleep(seconds(1));
    EXPECT_EQ((co_await host.open(host.to("api.example.com"))).answer.code, EgressCode::ok);
  });
}

TEST(Egress, RaisesAnAlarmWhereTheVerdictsContradict) {
  EgressHost host({"api.example.com"});
  host.names.set("api.example.com", {"8.8.8.8"});
  host.connector.up = {"8.8.8.8"};
  host.run([&]() -> Task<void> {
    EXPECT_EQ(co_await host.code_of(host.to("api.example.com")), EgressCode::ok);
    EXPECT_EQ(co_await host.code_of(host.to("api.example.com")), EgressCode::ok);
  });
  host.egress.compare(0);
  EXPECT_EQ(host.egress.counts().alarms, 0U) << "a first sample may be older than the streams";
  host.egress.compare(2);
  EXPECT_EQ(host.egress.counts().alarms, 0U);
  host.egress.compare(1);
  EXPECT_EQ(host.egress.counts().alarms, 1U) << "the host permitted two";
  const std::string lines = egress_lines(host.egress.counts(), host.egress.list(), 0, "pay", "d");
  EXPECT_NE(lines.find("cage_host_egress_alarms_total{cage=\"pay\",deployment=\"d\",source=\"host\"} 1\n"), std::string::npos) << lines;
  EXPECT_NE(lines.find("entry_allowed_total{cage=\"pay\",deployment=\"d\",source=\"host\",entry=\"api.example.com:443\"} 2\n"),
            std::string::npos) << lines;
}

TEST(Egress, ForwardsQuestionsOfAllowedNames) {
  EgressHost host({"*.example.com"});
  host.run([&]() -> Task<void> {
    const auto stream = (co_await host.network.dial(wire::port::kDns)).value();
    const auto ask = [&](std::uint64_t id, std::string name, std::uint16_t type) -> Task<wire::NameAnswer> {
      std::ignore = co_await stream->write_all(wire::write_name_query({id, std::move(name), type, host.egress.digest()}));
      co_return wire::parse_name_answer((co_await net::read_frame(*stream)).value()).value();
    };
    const wire::NameAnswer text = co_await ask(7, "a.example.com", 16);
    EXPECT_EQ(text, (wire::NameAnswer{7, EgressCode::ok, to_bytes("DNS a.example.com 16")}));
    for (const std::uint16_t type : std::initializer_list<std::uint16_t>{0, 1, 28, 41, 250, 251, 252, 255}) {
      EXPECT_EQ((co_await ask(1, "a.example.com", type)).code, EgressCode::refused) << type;
    }
    EXPECT_EQ((co_await ask(2, "example.com", 16)).code, EgressCode::refused);
    EXPECT_EQ((co_await ask(3, "A.example.com", 16)).code, EgressCode::refused);
    EXPECT_EQ((co_await ask(4, "a.example.com", 65)).code, EgressCode::ok) << "and the stream goes on";
  });
  EXPECT_EQ(host.egress.counts().name_queries, 12U);
  EXPECT_EQ(host.egress.counts().name_queries_refused, 10U);
}

}  // namespace
}  // namespace cages::host
