// SPDX-License-Identifier: Apache-2.0
#include "runtime/app/probe.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "net/memory.h"

namespace cages::runtime {
namespace {

using namespace std::chrono_literals;

TEST(StatusOf, ReadsTheStatusLineAndNothingElse) {
  EXPECT_EQ(status_of("HTTP/1.1 200").value(), 200U);
  EXPECT_EQ(status_of("HTTP/1.0 503 no").value(), 503U);
  for (const char* bad :
       {"", "HTTP/1.1 20", "HTTP/1.1_200", "HTTP/2.0 200", "HTTP/1.x 200", "HTTP/1.1 2x0", "SSH-2.0-Open"}) {
    const auto status = status_of(bad);
    ASSERT_FALSE(status) << bad;
    EXPECT_EQ(status.error().code, Code::APP_HEALTH);
  }
}

TEST(ProbeTarget, IsThePortOfTheAppWhereTheManifestHasNoCheck) {
  wire::Manifest manifest;
  manifest.port = 8080;
  EXPECT_EQ(probe_target(manifest).kind, wire::HealthKind::tcp);
  EXPECT_EQ(probe_target(manifest).port, 8080);
  manifest.health = {wire::HealthKind::http, "/up", 9090, 1000};
  EXPECT_EQ(probe_target(manifest).kind, wire::HealthKind::http);
  EXPECT_EQ(probe_target(manifest).port, 9090);
  EXPECT_EQ(probe_target(manifest).path, "/up");
}

// An app that answers each connection with `answer` (or says nothing) and keeps it open.
class OneAnswer final : public AppDialer {
 public:
  explicit OneAnswer(net::EventLoop& loop) : loop_(loop) {}
  Task<Result<net::StreamPtr>> dial(std::uint16_t) override {
    if (!reachable) co_return fail(Code::UNREACHABLE, "app");
    auto [near, far] = net::memory_pair();
    loop_.spawn("app", [](OneAnswer& app, net::StreamPtr stream) -> Task<void> {
      Bytes request(1024);
      const auto got = co_await stream->read_some(request);
      if (!got) co_return;
      app.asked = std::string(as_text(ByteView(request).first(*got)));
      if (!app.answer.empty()) std::ignore = co_await stream->write_all(as_bytes(app.answer));
      if (!app.ends) std::ignore = co_await stream->read_some(request);
    }(*this, std::move(far)));
    co_return std::move(near);
  }
  bool reachable = true;
  bool ends = false;
  std::string answer;
  std::string asked;

 private:
  net::EventLoop& loop_;
};

class Probe : public testing::Test {
 protected:
  std::string ask(wire::HealthKind kind = wire::HealthKind::http) {
    const auto outcome = loop.run(probe(loop.timers(), app, {kind, "/up", 8080})).value();
    return outcome ? "healthy" : error_class(outcome.error()) + " " + outcome.error().got;
  }
  ManualClock clock;
  net::EventLoop loop{clock};
  OneAnswer app{loop};
};

TEST_F(Probe, TakesAnyStatusFrom200To399) {
  for (const auto& [status, outcome] : {std::pair{"200", "healthy"},
                                        {"204", "healthy"},
                                        {"399", "healthy"},
                                        {"199", "APP_HEALTH 199"},
                                        {"400", "APP_HEALTH 400"},
                                        {"503", "APP_HEALTH 503"}}) {
    app.answer = std::string("HTTP/1.1 ") + status + " x\r\n\r\n";
    EXPECT_EQ(ask(), outcome);
  }
  EXPECT_EQ(app.asked,
            "GET /up HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: cage-health\r\nConnection: close\r\n\r\n");
}

TEST_F(Probe, AnAppThatIsSilentIsGivenUpInTime) {
  EXPECT_EQ(ask().substr(0, 7), "TIMEOUT");
  EXPECT_EQ(clock.monotonic(), Nanoseconds(limits::kProbeTime));
  app.answer = "HTTP/1.1";  // and no more
  EXPECT_EQ(ask().substr(0, 7), "TIMEOUT");
}

TEST_F(Probe, WhatIsNoHttpIsUnhealthyAndNamed) {
  app.answer = "220 mail.example ESMTP\r\n";
  EXPECT_EQ(ask().substr(0, 14), "APP_HEALTH 220");
  app.answer = "no";
  app.ends = true;
  EXPECT_EQ(ask().substr(0, 6), "CLOSED");
}

TEST_F(Probe, ByTcpAsksOnlyWhetherThePortAccepts) {
  EXPECT_EQ(ask(wire::HealthKind::tcp), "healthy");
  app.reachable = false;
  EXPECT_EQ(ask(wire::HealthKind::tcp).substr(0, 11), "UNREACHABLE");
}

}  // namespace
}  // namespace cages::runtime
