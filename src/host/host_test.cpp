// SPDX-License-Identifier: Apache-2.0
// What an enclave may send to its host, over memory streams and by a clock that tests turn; and the host's configuration.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "base/limits.h"
#include "host/config.h"
#include "host/enclave_ports.h"
#include "host/record.h"
#include "net/frame.h"
#include "net/memory.h"
#include "wire/ports.h"

namespace cages::host {
namespace {

class PlainBroker final : public Broker {
 public:
  Task<Result<std::string>> token() override {
    ++tokens;
    if (refuse) co_return fail(Code::UNREACHABLE, "caged");
    co_return "token";
  }
  Task<Result<net::StreamPtr>> open_provisioner() override {
    ++streams;
    auto [near, far] = net::memory_pair();
    platform.push_back(std::move(far));
    co_return std::move(near);
  }
  bool refuse = false;
  int tokens = 0;
  int streams = 0;
  std::vector<net::StreamPtr> platform;
};

// One enclave's ports, served; `body` is the enclave.
class Ports : public testing::Test {
 protected:
  template <class Body>
  void run(Body body) {
    loop_.run(drive(body));
  }
  template <class Body>
  Task<void> drive(Body& body) {
    EnclavePorts ports(loop_, record, broker, nullptr, "test", [this] { ++changes; });
    for (const auto port : enclave_ports(false)) {
      auto listener = network.listen(port);
      EXPECT_TRUE(listener);
      ports.serve(port, std::move(*listener));
    }
    co_await body();
    co_await ports.stop();
  }
  Task<net::StreamPtr> dial(std::uint32_t port) {
    auto stream = co_await network.dial(port);
    EXPECT_TRUE(stream);
    co_return std::move(*stream);
  }
  // Reads until an answer about a token comes.
  static Task<Result<wire::ControlDown>> answer(net::Stream& stream) {
    for (;;) {
      CO_TRY_ASSIGN(const Bytes payload, co_await net::read_frame(stream));
      CO_TRY_ASSIGN(wire::ControlDown message, wire::parse_control_down(payload));
      if (!std::holds_alternative<wire::ClockHint>(message)) co_return message;
    }
  }
  static Task<bool> ends(net::Stream& stream) {
    std::array<Byte, 4096> piece{};
    for (;;) {
      const auto n = co_await stream.read_some(piece);
      if (!n || *n == 0) co_return true;
    }
  }

  ManualClock clock;
  net::EventLoop loop_{clock};
  net::MemoryPorts network;
  Record record;
  PlainBroker broker;
  int changes = 0;
};

TEST_F(Ports, HeartbeatIsEchoedAndNothingElse) {
  run([&]() -> Task<void> {
    auto good = co_await dial(wire::port::kHeartbeat);
    Byte byte = 0xb7;
    EXPECT_TRUE(co_await good->write_all({&byte, 1}));
    byte = 0;
    EXPECT_TRUE(co_await net::read_exact(*good, {&byte, 1}));
    EXPECT_EQ(byte, 0xb7);
    auto bad = co_await dial(wire::port::kHeartbeat);
    byte = 0x00;
    EXPECT_TRUE(co_await bad->write_all({&byte, 1}));
    EXPECT_TRUE(co_await ends(*bad));
    auto silent = co_await dial(wire::port::kHeartbeat);
    EXPECT_TRUE(co_await ends(*silent)) << "a silent one is ended by its deadline";
  });
  EXPECT_EQ(record.counts.streams_refused, 2U);
}

TEST_F(Ports, ControlMessagesAreKept) {
  run([&]() -> Task<void> {
    auto stream = co_await dial(wire::port::kControl);
    for (const wire::ControlUp& message : {wire::ControlUp(wire::JournalEntry{"init.mounts", 5, "ok", ""}),
                                           wire::ControlUp(wire::HealthReport{wire::CageState::ready, 6}),
                                           wire::ControlUp(wire::MetricsSample{7, {{"requests_total", 3}}}),
                                           wire::ControlUp(wire::LogLine{wire::LogStream::app_out, 8, to_bytes("\033[2Jhello"), 2})}) {
      EXPECT_TRUE(co_await stream->write_all(wire::write_control(message)));
    }
    EXPECT_TRUE(co_await stream->write_all(wire::write_control(wire::ControlUp(wire::TokenRequest{9}))));
    const auto found = co_await answer(*stream);
    EXPECT_TRUE(found && std::get<wire::TokenAnswer>(*found).token == "token" && std::get<wire::TokenAnswer>(*found).id == 9);
  });
  EXPECT_EQ(record.state(), wire::CageState::ready);
  EXPECT_EQ(changes, 2);
  EXPECT_EQ(write_json(record.log()).find('\033'), std::string::npos);
  EXPECT_NE(write_json(record.journal()).find("init.mounts"), std::string::npos);
  const std::string metrics = metric_lines(record, "cage\"x", "d");
  EXPECT_NE(metrics.find("cage_requests_total{cage=\"cage\\\"x\",deployment=\"d\",source=\"enclave\"} 3\n"), std::string::npos) << metrics;
  EXPECT_EQ(record.counts.lines_dropped, 2U);
}

TEST_F(Ports, TokensAreRateLimitedAndRefusalsTold) {
  run([&]() -> Task<void> {
    auto stream = co_await dial(wire::port::kControl);
    for (std::size_t i = 0; i < limits::kHostTokensPerMinute + 5; ++i) {
      EXPECT_TRUE(co_await stream->write_all(wire::write_control(wire::ControlUp(wire::TokenRequest{i}))));
      const auto found = co_await answer(*stream);
      EXPECT_TRUE(found);
      EXPECT_EQ(std::holds_alternative<wire::TokenAnswer>(*found), i < limits::kHostTokensPerMinute) << i;
    }
    co_await loop_.timers().sleep(std::chrono::minutes(1));
    broker.refuse = true;
    EXPECT_TRUE(co_await stream->write_all(wire::write_control(wire::ControlUp(wire::TokenRequest{99}))));
    const auto found = co_await answer(*stream);
    EXPECT_TRUE(found && std::get<wire::TokenRefused>(*found).code == "UNREACHABLE");
  });
  EXPECT_EQ(broker.tokens, static_cast<int>(limits::kHostTokensPerMinute) + 1);
}

TEST_F(Ports, GarbageEndsTheStreamThatCarriesIt) {
  run([&]() -> Task<void> {
    std::mt19937 random(1);
    for (int i = 0; i < 50; ++i) {
      auto stream = co_await dial(wire::port::kControl);
      Bytes garbage(1 + random() % 300);
      for (auto& byte : garbage) byte = static_cast<Byte>(random());
      garbage[0] |= 0x80;  // a length far above the bound
      static_cast<void>(co_await stream->write_all(garbage));
      EXPECT_TRUE(co_await ends(*stream)) << i;
    }
    // Frames whose inside is wrong: the other direction's, an unknown type, one cut short.
    for (const Bytes& frame : {wire::write_control(wire::ControlDown(wire::ClockHint{1})), wire::FrameWriter(77, 1, 0).take(),
                               Bytes{0, 0, 0, 1, 0xff}}) {
      auto stream = co_await dial(wire::port::kControl);
      static_cast<void>(co_await stream->write_all(frame));
      EXPECT_TRUE(co_await ends(*stream));
    }
    auto good = co_await dial(wire::port::kControl);
    EXPECT_TRUE(co_await good->write_all(wire::write_control(wire::ControlUp(wire::TokenRequest{1}))));
    EXPECT_TRUE(co_await answer(*good)) << "after all that an honest stream is served";
  });
  EXPECT_EQ(record.counts.streams_refused, 53U);
}

TEST_F(Ports, ProvisionerStreamsAreRelayedAndFew) {
  run([&]() -> Task<void> {
    auto first = co_await dial(wire::port::kProvisioner);
    EXPECT_TRUE(co_await first->write_all(to_bytes("hello")));
    auto second = co_await dial(wire::port::kProvisioner);
    auto third = co_await dial(wire::port::kProvisioner);
    EXPECT_TRUE(co_await second->write_all(to_bytes("x")));
    co_await loop_.timers().sleep(std::chrono::seconds(1));
    EXPECT_EQ(broker.streams, static_cast<int>(limits::kHostProvisionerStreamsMax)) << "the third waits";
    std::array<Byte, 5> got{};
    EXPECT_TRUE(co_await net::read_exact(*broker.platform.at(0), got));
    EXPECT_EQ(as_text(got), "hello");
    first->close();
    broker.platform.at(0)->close();
    co_await loop_.timers().sleep(std::chrono::seconds(1));
    EXPECT_EQ(broker.streams, static_cast<int>(limits::kHostProvisionerStreamsMax) + 1);
  });
}

TEST(Record, HoldsNoMoreThanItsBounds) {
  Record record;
  for (int i = 0; i < 5000; ++i) {
    record.take(wire::JournalEntry{"stage" + std::to_string(i), 0, "ok", std::string(500, 'x')});
    record.take(wire::LogLine{wire::LogStream::app_out, 0, Bytes(4000, 'x'), 0}, std::chrono::seconds(i / 100));
    record.take(wire::MetricsSample{0, {{"m" + std::to_string(i), i}}});
  }
  EXPECT_EQ(record.metrics().size(), limits::kRecordMetricsMax);
  EXPECT_EQ(record.counts.metrics_dropped, 5000 - limits::kRecordMetricsMax);
  EXPECT_EQ(record.journal().find("entries")->as_array()->size(), limits::kRecordJournalEntriesMax);
  EXPECT_LE(record.log().find("lines")->as_array()->size() * 4000, limits::kRecordLogBytesMax);
  std::size_t logged = 0;
  for (int i = 0; i < 1000; ++i) logged += record.take(wire::LogLine{}, std::chrono::seconds(100)) ? 1 : 0;
  EXPECT_EQ(logged, limits::kRecordLinesPerSecond);
}

std::string least() { return "caged = \"platform.example:8444\"\n"; }

TEST(HostConfig, NeedsThePlatform) {
  const auto config = parse_host_config(least(), "host.toml");
  ASSERT_TRUE(config) << describe(config.error());
  EXPECT_EQ(config->caged.host, "platform.example");
  EXPECT_EQ(config->caged.port, 8444);
  EXPECT_EQ(config->observe.port, 9464);
  EXPECT_FALSE(config->shared_kernel);
  EXPECT_EQ(parse_host_config("", "host.toml").error().code, Code::HOST_CONFIG);
  EXPECT_EQ(parse_host_config("caged = \"x\"\n", "host.toml").error().code, Code::USAGE);
}

TEST(HostConfig, RefusesWhatItDoesNotKnowAndWhatWouldShowTooMuch) {
  EXPECT_EQ(parse_host_config(least() + "shared_kernal = true\n", "host.toml").error().code, Code::TOML_KEY);
  EXPECT_EQ(parse_host_config(least() + "observe = \"0.0.0.0:9464\"\n", "host.toml").error().code, Code::USAGE);
  for (const auto* text : {"", "x", "x:", ":1", "x:99999", "::1:5", "[::1]"}) EXPECT_FALSE(parse_address(text)) << text;
  EXPECT_TRUE(parse_address("[::1]:5"));
}

TEST(HostConfig, TakesRangesAndServersForEgress) {
  const auto config = parse_host_config(least() + "[egress]\nallow_ranges = [\"10.0.0.0/8\"]\ndns_servers = [\"192.0.2.53\"]\ndials_per_second = 50\n",
                                        "host.toml");
  ASSERT_TRUE(config) << describe(config.error());
  EXPECT_EQ(config->egress_ranges, std::vector<std::string>{"10.0.0.0/8"});
  EXPECT_EQ(config->egress_dials_per_second, 50);
  EXPECT_EQ(config->dns_servers, std::vector<std::string>{"192.0.2.53"});
  EXPECT_EQ(parse_host_config(least() + "[egress]\nallow_ranges = [\"10.0.0.0/33\"]\n", "host.toml").error().code, Code::EGRESS_ENTRY);
}

// Where the cage reaches nothing, there is nothing to dial (issue: the isolated build).
TEST(EnclavePorts, OpensEgressOnlyWhereThereIsAList) {
  const auto has = [](const std::vector<std::uint32_t>& ports, std::uint32_t port) {
    return std::ranges::find(ports, port) != ports.end();
  };
  for (const auto port : {wire::port::kEgress, wire::port::kDns}) {
    EXPECT_TRUE(has(enclave_ports(true), port));
    EXPECT_FALSE(has(enclave_ports(false), port));
  }
}

}  // namespace
}  // namespace cages::host
