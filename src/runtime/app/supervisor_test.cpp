// SPDX-License-Identifier: Apache-2.0
#include "runtime/app/supervisor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>

#include "base/limits.h"
#include "net/memory.h"
#include "runtime/app/protocol.h"

namespace cages::runtime {
namespace {

using namespace std::chrono_literals;
constexpr std::int32_t kExitCode1 = 1 << 8;  // a wait status

// Starts nothing: a test plays the app's init through what is left of the descriptors.
class Stage final : public AppStarter, public AppDialer {
 public:
  Result<AppEnds> start(const AppSpec&) override {
    ++starts;
    std::array<int, 2> out{};
    std::array<int, 2> err{};
    std::array<int, 2> pair{};
    if (pipe2(out.data(), O_CLOEXEC) != 0 || pipe2(err.data(), O_CLOEXEC) != 0 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
      return fail(errno_error("pipe", errno));
    }
    out_ = Fd(out[1]);
    err_ = Fd(err[1]);
    events_ = Fd(pair[1]);
    if (on_start) on_start(*this);
    return AppEnds{Fd(out[0]), Fd(err[0]), Fd(pair[0])};
  }
  Result<void> end() override {
    ++kills;
    leave();
    return {};
  }
  Task<Result<net::StreamPtr>> dial(std::uint16_t) override {
    ++probes;
    if (!healthy) co_return fail(Code::UNREACHABLE, "app");
    auto [near, far] = net::memory_pair();
    kept_.push_back(std::move(far));
    co_return std::move(near);
  }
  void say(AppMessage::Kind kind, AppStep step = AppStep::none, std::int32_t value = 0) {
    const auto bytes = write_app_message({kind, step, value});
    EXPECT_EQ(write(events_.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  void print(bool error, std::string_view text) {
    EXPECT_EQ(write(error ? err_.get() : out_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  // The number of the signal that the app was sent.
  int heard() {
    std::array<Byte, kAppMessageBytes> bytes{};
    if (recv(events_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT) != static_cast<ssize_t>(bytes.size())) return 0;
    return parse_app_message(bytes).value().value;
  }
  void leave() {
    out_.reset();
    err_.reset();
    events_.reset();
  }
  void exit(std::int32_t status) {
    say(AppMessage::Kind::exited, AppStep::none, status);
    leave();
  }

  std::function<void(Stage&)> on_start;
  bool healthy = false;
  int starts = 0;
  int kills = 0;
  int probes = 0;

 private:
  Fd out_;
  Fd err_;
  Fd events_;
  std::vector<net::StreamPtr> kept_;
};

class Diary final : public AppWatcher {
 public:
  void app_started(bool shares_user) override { lines.push_back(shares_user ? "started, user shared" : "started"); }
  void app_healthy() override { lines.push_back("healthy"); }
  void app_unhealthy(const Error& why) override { lines.push_back("unhealthy " + error_class(why)); }
  void app_silent(const std::string&) override { lines.push_back("silent"); }
  void app_line(bool error, ByteView line) override {
    lines.push_back((error ? "err " : "out ") + std::string(as_text(line)));
  }
  void app_ended(const Ending& ending, std::optional<Nanoseconds> again) override {
    lines.push_back("ended " + describe_ending(ending) +
                    (again ? ", again in " + std::to_string(again->count() / 1'000'000) + " ms" : ""));
  }
  std::vector<std::string> lines;
};

class SupervisorTest : public testing::Test {
 protected:
  using Lines = std::vector<std::string>;
  SupervisorTest() { manifest.port = 8080; }
  // run supervises while `script` goes on, then stops. Returns how the supervisor ended.
  std::string run(std::function<Task<void>()> script) {
    AppSpec spec;
    std::optional<Result<void>> ended;
    auto supervise = [&]() -> Task<void> { ended.emplace(co_await supervisor.run(std::move(spec), manifest)); };
    auto play = [&]() -> Task<void> {
      co_await script();
      supervisor.stop(1s);
    };
    loop.run(net::together(supervise(), play()));
    return *ended ? "stopped" : error_class(ended->error()) + " " + ended->error().got;
  }
  Task<void> rest(Nanoseconds time) { co_await loop.timers().sleep(time); }

  ManualClock clock;
  net::EventLoop loop{clock};
  Stage stage;
  Diary diary;
  Supervisor supervisor{loop, stage, stage, diary};
  wire::Manifest manifest;
};

TEST_F(SupervisorTest, TellsOfTheStartTheOutputAndTheHealth) {
  stage.on_start = [](Stage& s) {
    s.healthy = true;
    s.say(AppMessage::Kind::shares_user);
  };
  EXPECT_EQ(run([&]() -> Task<void> {
              co_await rest(1s);
              stage.print(false, "one\ntwo");
              co_await rest(1s);
              stage.exit(0);
              co_await rest(1s);
            }),
            "APP_EXIT exit code 0");
  EXPECT_EQ(diary.lines, (Lines{"started, user shared", "healthy", "out one", "out two", "ended exit code 0"}));
}

TEST_F(SupervisorTest, AStepThatFailsIsNamedAndNotTriedAgain) {
  stage.on_start = [](Stage& s) { s.say(AppMessage::Kind::failed, AppStep::exec, ENOENT); };
  const std::string outcome = run([&]() -> Task<void> { co_await rest(1s); });
  EXPECT_EQ(outcome.substr(0, 9), "APP_START");
  EXPECT_NE(outcome.find("No such file"), std::string::npos) << outcome;
  EXPECT_EQ(stage.starts, 1);
}

TEST_F(SupervisorTest, StartsAgainAnAppThatFailedLaterEachTime) {
  manifest.restart = wire::Restart::on_failure;
  stage.on_start = [](Stage& s) {
    s.say(AppMessage::Kind::started);
    s.exit(s.starts < 3 ? kExitCode1 : 0);
  };
  EXPECT_EQ(run([&]() -> Task<void> { co_await rest(1min); }), "APP_EXIT exit code 0");
  EXPECT_EQ(diary.lines, (Lines{"started", "ended exit code 1, again in 100 ms", "started",
                                "ended exit code 1, again in 200 ms", "started", "ended exit code 0"}));
}

TEST_F(SupervisorTest, LeavesAnAppThatFailedWhereThePolicySaysNever) {
  manifest.restart = wire::Restart::never;
  stage.on_start = [](Stage& s) {
    s.say(AppMessage::Kind::started);
    s.exit(kExitCode1);
  };
  EXPECT_EQ(run([&]() -> Task<void> { co_await rest(1min); }), "APP_EXIT exit code 1");
  EXPECT_EQ(stage.starts, 1);
}

TEST_F(SupervisorTest, AnInitThatIsGoneWithoutAWordWasKilled) {
  manifest.restart = wire::Restart::never;
  stage.on_start = [](Stage& s) {
    s.say(AppMessage::Kind::started);
    s.leave();
  };
  EXPECT_EQ(run([&]() -> Task<void> { co_await rest(1s); }), "APP_EXIT signal 9 (KILL)");
}

TEST_F(SupervisorTest, WhatTheInitMayNotSayEndsTheStart) {
  stage.on_start = [](Stage& s) { s.print(false, "hi\n"); };
  const std::string outcome = run([&]() -> Task<void> {
    co_await rest(1s);
    stage.say(static_cast<AppMessage::Kind>(77));
    co_await rest(1s);
    stage.leave();
  });
  EXPECT_EQ(outcome.substr(0, 4), "TYPE");
}

TEST_F(SupervisorTest, AHealthyAppIsUnhealthyAfterThreeProbesThatFailedAndHealthyAfterOneThatDidNot) {
  manifest.health = {wire::HealthKind::tcp, "", 8080, 1000};
  stage.on_start = [](Stage& s) { s.say(AppMessage::Kind::started); };
  EXPECT_EQ(run([&]() -> Task<void> {
              co_await rest(500ms);
              stage.healthy = true;
              co_await rest(3s);
              stage.healthy = false;
              co_await rest(2s);
              EXPECT_EQ(diary.lines, (Lines{"started", "healthy"}));
              co_await rest(2s);
              EXPECT_EQ(diary.lines, (Lines{"started", "healthy", "unhealthy UNREACHABLE"}));
              stage.healthy = true;
              co_await rest(2s);
            }),
            "stopped");
  EXPECT_EQ(diary.lines, (Lines{"started", "healthy", "unhealthy UNREACHABLE", "healthy"}));
}

TEST_F(SupervisorTest, AnAppThatDoesNotAnswerIsSaidToBeSilentOnce) {
  stage.on_start = [](Stage& s) { s.say(AppMessage::Kind::started); };
  EXPECT_EQ(run([&]() -> Task<void> {
              co_await rest(limits::kAppSilentTime - 1s);
              EXPECT_EQ(diary.lines, (Lines{"started"}));
              co_await rest(1min);
            }),
            "stopped");
  EXPECT_EQ(diary.lines, (Lines{"started", "silent"}));
}

TEST_F(SupervisorTest, StopSendsTheImagesSignalAndKillsWhatDoesNotEnd) {
  manifest.stop_signal = SIGQUIT;
  manifest.restart = wire::Restart::always;
  stage.on_start = [](Stage& s) { s.say(AppMessage::Kind::started); };
  EXPECT_EQ(run([&]() -> Task<void> {
              co_await rest(1s);
              supervisor.stop(5s);
              co_await rest(4s);
              EXPECT_EQ(stage.heard(), SIGQUIT);
              EXPECT_EQ(stage.kills, 0);
              co_await rest(2s);
              EXPECT_EQ(stage.kills, 1);
            }),
            "stopped");
  EXPECT_EQ(stage.starts, 1) << "no start after stop, whatever the policy";
}

TEST_F(SupervisorTest, AStopDuringTheWaitForTheNextStartEndsIt) {
  manifest.restart = wire::Restart::always;
  stage.on_start = [](Stage& s) {
    s.say(AppMessage::Kind::started);
    s.exit(0);
  };
  EXPECT_EQ(run([&]() -> Task<void> { co_await rest(50ms); }), "stopped");
  EXPECT_EQ(stage.starts, 1);
}

}  // namespace
}  // namespace cages::runtime
