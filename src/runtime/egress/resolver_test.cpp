// SPDX-License-Identifier: Apache-2.0
// What the app is answered: by itself, and from what a host says.
#include "runtime/egress/resolver.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/egress_enclave.h"

namespace cages::runtime::egress {
namespace {

namespace dns = wire::dns;
using test::EnclaveEgress;

// A host's answer section, as records.
Result<dns::Reply> judged(const policy::AllowList& list, const dns::Question& question, std::vector<dns::Record> records,
                          dns::Rcode rcode = dns::Rcode::ok) {
  const ManualClock clock;
  Tally tally(list, clock, [](std::string_view) {});
  return judge(question, {0, rcode, false, question, std::move(records), std::nullopt}, list, tally);
}

dns::Record text(const std::string& owner, std::uint32_t ttl = 60) {
  return {owner, dns::type::kTxt, ttl, to_bytes("\x01x"), std::nullopt, {}};
}
dns::Record alias(const std::string& owner, const std::string& target) {
  return {owner, dns::type::kCname, 60, {}, target, {}};
}

class Resolving : public testing::Test {
 protected:
  EnclaveEgress egress{{"api.example.com", "*.example.org:*", "10.0.0.0/8", "mail.example.net:25"}};
  dns::Reply at_once(const std::string& name, std::uint16_t type) {
    const auto reply = egress.resolver.at_once({1, true, {name, type}, std::nullopt, {}});
    EXPECT_TRUE(reply.has_value());
    return reply.value_or(dns::Reply());
  }
};

TEST_F(Resolving, AllowedNamesHaveALoopbackAddressAndNoOther) {
  const dns::Reply reply = at_once("api.example.com", dns::type::kA);
  ASSERT_EQ(reply.records.size(), 1U);
  EXPECT_EQ(reply.records[0], dns::address_record("api.example.com", 5, {127, 64, 0, 1}));
  EXPECT_EQ(at_once("api.example.com", dns::type::kA).records, reply.records);
  EXPECT_EQ(at_once("a.b.example.org", dns::type::kAny).records[0].before, (Bytes{127, 64, 0, 2}));
  // No data: a resolver that asks for both then takes the A.
  for (const unsigned number : {28U, 5U, 6U, 2U, 252U, 42U}) {
    const auto type = static_cast<std::uint16_t>(number);
    const dns::Reply none = at_once("api.example.com", type);
    EXPECT_EQ(none.rcode, dns::Rcode::ok) << type;
    EXPECT_TRUE(none.records.empty() && none.negative_ttl) << type;
  }
}

TEST_F(Resolving, OthersAreRefusedWithTheReason) {
  for (const char* name : {"example.org", "xapi.example.com", "api.example.com.evil.example", "com", "", "10.0.0.1", "a..example.org",
                           "-a.example.org", "a*.example.org"}) {
    const dns::Reply reply = at_once(name, dns::type::kA);
    EXPECT_EQ(reply.rcode, dns::Rcode::refused) << name;
    EXPECT_EQ(reply.extended, dns::extended::kBlocked) << name;
    EXPECT_EQ(at_once(name, dns::type::kTxt).rcode, dns::Rcode::refused) << name;
  }
}

TEST_F(Resolving, LocalhostIsHereWhateverTheListSays) {
  EXPECT_EQ(at_once("localhost", dns::type::kA).records[0].before, (Bytes{127, 0, 0, 1}));
  EXPECT_EQ(at_once("app.localhost", dns::type::kA).records[0].before, (Bytes{127, 0, 0, 1}));
  EXPECT_EQ(at_once("localhost", dns::type::kAaaa).rcode, dns::Rcode::ok);
}

TEST_F(Resolving, WhatTheHostSaidIsKeptForItsTime) {
  std::size_t asked = 0;
  egress.host_dns = [&](net::Stream& stream) -> Task<void> {
    ++asked;
    const auto payload = co_await net::read_frame(stream);
    const auto query = wire::parse_name_query(*payload);
    dns::Query written = *dns::parse_query(dns::write_query({0, true, {query->name, query->type}, std::nullopt, {}}));
    dns::Reply reply;
    reply.records = {text(query->name, 30)};
    std::ignore = co_await stream.write_all(
        wire::write_name_answer({query->id, wire::EgressCode::ok, dns::write_reply(written, reply, 4096)}));
  };
  egress.run([&]() -> Task<void> {
    EXPECT_EQ((co_await egress.ask("api.example.com", dns::type::kTxt)).records[0].ttl, 30U);
    co_await egress.loop.timers().sleep(std::chrono::seconds(10));
    EXPECT_EQ((co_await egress.ask("api.example.com", dns::type::kTxt)).records[0].ttl, 20U);
    EXPECT_EQ(asked, 1U);
    co_await egress.loop.timers().sleep(std::chrono::seconds(20));
    EXPECT_EQ((co_await egress.ask("api.example.com", dns::type::kTxt)).records[0].ttl, 30U);
    EXPECT_EQ(asked, 2U);
    for (std::size_t i = 0; i < limits::kDnsCacheEntriesMax + 10; ++i) {
      co_await egress.ask("n" + std::to_string(i) + ".example.org", dns::type::kTxt);
    }
    EXPECT_EQ((co_await egress.ask("api.example.com", dns::type::kTxt)).records[0].ttl, 30U);  // it had to go
  });
}

// The host's answer, a text that is the name itself.
Task<Result<void>> answer_text(net::Stream& stream, const wire::NameQuery& query) {
  const dns::Query written = *dns::parse_query(dns::write_query({0, true, {query.name, query.type}, std::nullopt, {}}));
  dns::Reply reply;
  Bytes data{static_cast<Byte>(query.name.size())};
  append(data, as_bytes(query.name));
  reply.records.push_back({query.name, query.type, 60, data, std::nullopt, {}});
  co_return co_await stream.write_all(
      wire::write_name_answer({query.id, wire::EgressCode::ok, dns::write_reply(written, reply, 4096)}));
}

TEST_F(Resolving, ManyQuestionsShareOneStreamAndAreAnsweredInAnyOrder) {
  constexpr int kQuestions = 100;
  egress.host_dns = [](net::Stream& stream) -> Task<void> {
    std::vector<wire::NameQuery> asked;
    while (asked.size() < kQuestions) {
      const auto payload = co_await net::read_frame(stream);
      if (!payload) co_return;
      asked.push_back(*wire::parse_name_query(*payload));
    }
    std::ranges::reverse(asked);
    std::ignore = co_await stream.write_all(wire::write_name_answer({987654321, wire::EgressCode::ok, {}}));  // nobody's
    for (const wire::NameQuery& query : asked) std::ignore = co_await answer_text(stream, query);
  };
  int right = 0;
  egress.run([&]() -> Task<void> {
    net::TaskGroup asking(egress.loop);
    const auto one = [](EnclaveEgress& e, std::string name, int& count) -> Task<void> {
      const dns::Reply reply = co_await e.ask(name, dns::type::kTxt);
      if (reply.records.size() == 1 && as_text(ByteView(reply.records[0].before).subspan(1)) == name) ++count;
    };
    for (int i = 0; i < kQuestions; ++i) asking.spawn("ask", one(egress, "n" + std::to_string(i) + ".example.org", right));
    co_await asking.join();
  });
  EXPECT_EQ(right, kQuestions);
  EXPECT_EQ(egress.host_streams, 1U);
}

TEST_F(Resolving, AQuestionBeyondTheBoundFailsAtOnceAndTheOthersInTime) {
  egress.host_dns = [](net::Stream& stream) -> Task<void> {
    while (co_await net::read_frame(stream)) {
    }
  };
  int failed = 0;
  egress.run([&]() -> Task<void> {
    net::TaskGroup asking(egress.loop);
    const auto one = [](EnclaveEgress& e, std::string name, int& count) -> Task<void> {
      if ((co_await e.ask(name, dns::type::kTxt)).rcode == dns::Rcode::server) ++count;
    };
    for (std::size_t i = 0; i < limits::kDnsQueriesMax; ++i) asking.spawn("ask", one(egress, "n" + std::to_string(i) + ".example.org", failed));
    co_await net::yield();
    const Nanoseconds before = egress.clock.monotonic();
    EXPECT_EQ((co_await egress.ask("one.more.example.org", dns::type::kTxt)).rcode, dns::Rcode::server);
    EXPECT_EQ(egress.clock.monotonic(), before);
    co_await asking.join();
    EXPECT_LE(egress.clock.monotonic() - before, 2 * limits::kDnsAnswerTime);
  });
  EXPECT_EQ(failed, static_cast<int>(limits::kDnsQueriesMax));
}

TEST_F(Resolving, AliasesAreFollowedAndNeverShown) {
  const dns::Question question{"api.example.com", dns::type::kTxt};
  const auto reply = judged(egress.list, question,
                            {alias("api.example.com", "cdn.hidden.example"), alias("cdn.hidden.example", "edge.hidden.example"),
                             text("edge.hidden.example", 99'999), text("another.example"),
                             dns::address_record("edge.hidden.example", 60, {198, 51, 100, 1})});
  ASSERT_TRUE(reply.has_value());
  ASSERT_EQ(reply->records.size(), 1U);
  EXPECT_EQ(reply->records[0], text("api.example.com", 3600));
  // A circle ends.
  const auto circle = judged(egress.list, question, {alias("api.example.com", "b.example"), alias("b.example", "api.example.com")});
  EXPECT_TRUE(circle->records.empty());
}

TEST_F(Resolving, TargetsThatAreNotListedAreLeftOut) {
  const auto mail = [](const char* target) { return dns::Record{"api.example.com", dns::type::kMx, 60, {0, 10}, target, {}}; };
  const auto service = [](const char* target, Byte high, Byte low) {
    return dns::Record{"api.example.com", dns::type::kSrv, 60, {0, 0, 0, 0, high, low}, target, {}};
  };
  const auto mails = judged(egress.list, {"api.example.com", dns::type::kMx}, {mail("mail.example.net"), mail("mail.evil.example")});
  ASSERT_EQ(mails->records.size(), 1U);
  EXPECT_EQ(mails->records[0].target, "mail.example.net");
  const auto services = judged(egress.list, {"api.example.com", dns::type::kSrv},
                               {service("api.example.com", 0x01, 0xbb), service("api.example.com", 0x15, 0x38), service("x.example.org", 0x15, 0x38)});
  EXPECT_EQ(services->records.size(), 2U);
  const auto none = judged(egress.list, {"api.example.com", dns::type::kMx}, {mail("mail.evil.example")});
  EXPECT_TRUE(none->records.empty());
  EXPECT_EQ(none->extended, dns::extended::kFiltered);
}

TEST_F(Resolving, ServicesLoseTheirAddresses) {
  const Bytes hint{0, 4, 0, 4, 192, 0, 2, 1};
  const dns::Record record{"api.example.com", dns::type::kHttps, 60, {0, 1}, "", hint};
  const auto reply = judged(egress.list, {"api.example.com", dns::type::kHttps}, {record});
  ASSERT_EQ(reply->records.size(), 1U);
  EXPECT_TRUE(reply->records[0].after.empty());
}

TEST_F(Resolving, AnAnswerToAnotherQuestionIsNone) {
  const ManualClock clock;
  Tally tally(egress.list, clock, [](std::string_view) {});
  const dns::Answer answer{0, dns::Rcode::ok, false, {"b.example.org", dns::type::kTxt}, {}, std::nullopt};
  EXPECT_EQ(judge({"a.example.org", dns::type::kTxt}, answer, egress.list, tally).error().code, Code::DNS);
  EXPECT_EQ(judged(egress.list, {"a.example.org", dns::type::kTxt}, {}, dns::Rcode::server).error().code, Code::DNS);
  // That it does not exist is "no data": its address does.
  const auto absent = judged(egress.list, {"a.example.org", dns::type::kTxt}, {}, dns::Rcode::no_name);
  EXPECT_EQ(absent->rcode, dns::Rcode::ok);
  EXPECT_TRUE(absent->negative_ttl);
}

}  // namespace
}  // namespace cages::runtime::egress
