// SPDX-License-Identifier: Apache-2.0
// A hostile enclave that asks its host for anything it likes, and DNS that answers with what a cage must not reach.
#include "attacks/attack.h"
#include "support/egress.h"

namespace cages::attacks {
namespace {

using test::EgressHost;
using wire::EgressCode;

std::string answered(EgressHost& host, const wire::EgressOpen& open) {
  const EgressCode code = host.code_for(open);
  return code == EgressCode::ok ? "" : std::string(code_info(wire::code_of(code)).name);
}

// A host whose every address takes connections.
std::unique_ptr<EgressHost> open_host(const std::string& resolved, const std::vector<std::string>& ranges = {}) {
  auto host = std::make_unique<EgressHost>(std::vector<std::string>{"api.example.com", "8.8.8.8:53"}, ranges);
  host->names.set("api.example.com", {resolved});
  host->names.set("evil.example", {"8.8.4.4"});
  host->connector.up = {resolved, "8.8.4.4", "8.8.8.8"};
  return host;
}

std::string rebound(const std::string& to, const std::vector<std::string>& ranges = {}) {
  const auto host = open_host(to, ranges);
  return answered(*host, host->to("api.example.com"));
}

std::vector<Attack> opens() {
  return {
      {"a_name_that_is_not_listed", "EGRESS_REFUSED", [] {
         const auto host = open_host("8.8.4.4");
         return answered(*host, host->to("evil.example"));
       }},
      {"an_address_that_is_not_listed", "EGRESS_REFUSED", [] {
         const auto host = open_host("8.8.4.4");
         return answered(*host, host->to_address("8.8.4.4"));
       }},
      {"another_list", "EGRESS_LIST", [] {
         const auto host = open_host("8.8.4.4");
         wire::EgressOpen open = host->to("api.example.com");
         open.list[7] ^= 1;
         return answered(*host, open);
       }},
      {"rebinding_to_loopback", "EGRESS_ADDRESS", [] { return rebound("127.0.0.1"); }},
      {"rebinding_to_metadata", "EGRESS_ADDRESS", [] { return rebound("169.254.169.254", {"169.254.0.0/16"}); }},
      {"rebinding_through_nat64", "EGRESS_ADDRESS", [] { return rebound("64:ff9b::a00:1"); }},
      {"a_question_for_a_name_that_is_not_listed", "EGRESS_REFUSED", [] {
         const auto host = open_host("8.8.4.4");
         EgressCode code{};
         host->run([&]() -> Task<void> {
           const auto stream = (co_await host->network.dial(wire::port::kDns)).value();
           std::ignore = co_await stream->write_all(wire::write_name_query({1, "evil.example", 16, host->egress.digest()}));
           code = wire::parse_name_answer((co_await net::read_frame(*stream)).value()).value().code;
         });
         return code == EgressCode::ok ? "" : std::string(code_info(wire::code_of(code)).name);
       }},
  };
}

TEST_P(Attempt, IsRefusedByOneCheck) { EXPECT_EQ(GetParam().attempt(), GetParam().refused_as); }
INSTANTIATE_TEST_SUITE_P(Egress, Attempt, testing::ValuesIn(opens()), attack_name);

// The alarm: an enclave that asks for what its own list refuses is not the enclave it should be.
TEST(HostileEnclave, IsToldOfByAnAlarm) {
  const auto host = open_host("8.8.4.4");
  EXPECT_EQ(answered(*host, host->to("evil.example")), "EGRESS_REFUSED");
  EXPECT_EQ(host->egress.counts().alarms, 1U);
  EXPECT_TRUE(host->connector.dialled.empty());
}

TEST(HostileEnclave, GetsNothingByGarbageOversizeOrSilence) {
  const auto host = open_host("8.8.4.4");
  host->run([&]() -> Task<void> {
    const Bytes whole = wire::write_egress(host->to("api.example.com"));
    std::vector<Bytes> sent{{0, 0, 0, 0}, {0xff, 0xff, 0xff, 0xff}, {0, 1, 0, 1}, {0, 0, 0, 1, 0xff}, {}, {0, 0}};
    sent.push_back(to_bytes(ByteView(whole).first(whole.size() - 1)));
    sent.push_back(wire::write_egress(wire::EgressAnswer{}));
    for (const std::uint32_t port : {wire::port::kEgress, wire::port::kDns}) {
      for (const Bytes& bytes : sent) {
        const auto stream = (co_await host->network.dial(port)).value();
        if (!bytes.empty()) std::ignore = co_await stream->write_all(bytes);
        if (port == wire::port::kDns) std::ignore = co_await stream->shutdown_write();
        Byte byte = 0;
        const auto n = co_await stream->read_some({&byte, 1});
        EXPECT_TRUE(!n || *n == 0) << hex(bytes);
      }
    }
    EXPECT_EQ(host->egress.streams(), 0U);
    EXPECT_EQ((co_await host->open(host->to("api.example.com"))).answer.code, EgressCode::ok) << "an honest one is served";
  });
  EXPECT_EQ(host->connector.dialled.size(), 1U);
}

// Whatever it opens, its own cap answers; nothing is held beyond it, and another cage's egress goes on.
TEST(HostileEnclave, FillsItsOwnCapAndNobodyElses) {
  const auto host = open_host("8.8.4.4");
  host::Egress other(host->loop, {host->names, host->connector, host->destinations},
                     policy::AllowList::parse({"api.example.com"}).value(), "other");
  net::MemoryPorts other_ports;
  host->run([&]() -> Task<void> {
    net::TaskGroup serving(host->loop);
    serving.spawn("other", other.serve_streams(other_ports.listen(wire::port::kEgress).value()));
    std::vector<EgressHost::Opened> held;
    for (std::size_t i = 0; i < limits::kEgressStreamsMax; ++i) {
      held.push_back(co_await host->open(host->to("api.example.com")));
      if (i % 100 == 0) co_await host->loop.timers().sleep(std::chrono::seconds(1));  // not the rate's cap
    }
    EXPECT_EQ(host->egress.streams(), limits::kEgressStreamsMax);
    EXPECT_EQ((co_await host->open(host->to("api.example.com"))).answer.code, EgressCode::overload);
    for (int i = 0; i < 5000; ++i) held.push_back({(co_await host->network.dial(wire::port::kEgress)).value(), {}});
    EXPECT_EQ(host->egress.streams(), limits::kEgressStreamsMax);
    const auto stream = (co_await other_ports.dial(wire::port::kEgress)).value();
    std::ignore = co_await stream->write_all(wire::write_egress(wire::EgressOpen{"api.example.com", 443, other.digest()}));
    const auto answer = co_await net::read_frame(*stream);
    EXPECT_TRUE(answer);
    EXPECT_EQ(wire::parse_egress_answer(*answer)->code, EgressCode::ok);
    held.clear();
    host->connector.ends.clear();
    co_await host->loop.timers().sleep(std::chrono::seconds(2));
    EXPECT_EQ(host->egress.streams(), 0U);
    EXPECT_EQ((co_await host->open(host->to("api.example.com"))).answer.code, EgressCode::ok);
    co_await serving.stop();
    co_await other.stop();
  });
}

}  // namespace
}  // namespace cages::attacks
