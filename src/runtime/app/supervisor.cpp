// SPDX-License-Identifier: Apache-2.0
#include "runtime/app/supervisor.h"

#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/limits.h"
#include "net/deadline.h"
#include "net/descriptor.h"
#include "runtime/app/listening.h"
#include "runtime/app/output.h"
#include "runtime/app/protocol.h"
#include "wire/ports.h"

namespace cages::runtime {
namespace {

constexpr std::size_t kTableBytesMax = 1024 * 1024;

Error start_error(const AppMessage& message) {
  return {Code::APP_START, std::string(name_of(message.step)), "success", errno_error("", message.value).got};
}

Ending ending_of(int status) {
  if (WIFSIGNALED(status)) return {0, WTERMSIG(status)};
  return {WEXITSTATUS(status), 0};
}

Task<Result<AppMessage>> next_message(net::Stream& events) {
  std::array<Byte, kAppMessageBytes> bytes{};
  CO_TRY(co_await net::read_exact(events, bytes));
  co_return parse_app_message(bytes);
}

}  // namespace

// lifetime: on the stack of live(), which stops the tasks that refer to it before it goes.
struct Supervisor::Life {
  net::StreamPtr out;
  net::StreamPtr err;
  net::StreamPtr events;
  Nanoseconds began{0};
  net::TaskGroup* tasks = nullptr;
};

std::string describe_ending(const Ending& ending) {
  if (ending.signal == 0) return "exit code " + std::to_string(ending.exit_code);
  const char* name = sigabbrev_np(ending.signal);
  return "signal " + std::to_string(ending.signal) + (name == nullptr ? "" : " (" + std::string(name) + ")");
}

Supervisor::Supervisor(net::EventLoop& loop, AppStarter& starter, AppDialer& dialer, AppWatcher& watcher)
    : loop_(loop), starter_(starter), dialer_(dialer), watcher_(watcher) {}

Task<Result<void>> Supervisor::run(AppSpec spec, wire::Manifest manifest) {
  stop_signal_ = manifest.stop_signal;
  Restart restart(manifest.restart);
  while (!stopping_) {
    const Nanoseconds began = loop_.clock().monotonic();
    CO_TRY_ASSIGN(const Ending ending, co_await live(spec, manifest));
    if (stopping_) break;
    const auto again = restart.after_ending(ending, loop_.clock().monotonic() - began);
    watcher_.app_ended(ending, again);
    if (!again) co_return fail(Code::APP_EXIT, "", "that it runs", describe_ending(ending));
    co_await rest(*again);
  }
  co_return Result<void>{};
}

// Sleeps, unless stopped.
Task<void> Supervisor::rest(Nanoseconds time) {
  const net::Alarm over(loop_.timers(), time, [this] { changed_.notify(); });
  while (!over.rang() && !stopping_) co_await changed_.wait();
}

Task<Result<Ending>> Supervisor::live(const AppSpec& spec, const wire::Manifest& manifest) {
  CO_TRY_ASSIGN(AppEnds ends, starter_.start(spec));
  Life life;
  life.began = loop_.clock().monotonic();
  CO_TRY_ASSIGN(life.out, net::stream_from(loop_, std::move(ends.out)));
  CO_TRY_ASSIGN(life.err, net::stream_from(loop_, std::move(ends.err)));
  CO_TRY_ASSIGN(life.events, net::stream_from(loop_, std::move(ends.events)));
  net::TaskGroup tasks(loop_);
  net::TaskGroup output(loop_);
  output.spawn("app output", take_output(life, false));
  output.spawn("app errors", take_output(life, true));
  life.tasks = &tasks;
  life_ = &life;
  if (stopping_) ask_to_end();
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines): it outlives the await below
  auto ending = [&]() -> Task<Result<Ending>> {
    CO_TRY_ASSIGN(const AppMessage first, co_await next_message(*life.events));
    if (first.kind == AppMessage::Kind::failed) co_return fail(start_error(first));
    watcher_.app_started(first.kind == AppMessage::Kind::shares_user);
    tasks.spawn("app health", watch_health(life, manifest));
    co_return co_await follow(life);
  };
  auto result = co_await ending();
  life_ = nullptr;
  co_await tasks.stop();
  // What was written before the end is still in the pipes; a process that outlived the app is not waited for.
  const net::Deadline last_out(loop_.timers(), *life.out, limits::kAppOutputDrainTime);
  const net::Deadline last_err(loop_.timers(), *life.err, limits::kAppOutputDrainTime);
  co_await output.join();
  co_return result;
}

Task<Result<Ending>> Supervisor::follow(Life& life) {
  for (;;) {
    const auto message = co_await next_message(*life.events);
    if (!message) {
      // The app's init ended before it could say how: it was killed.
      co_return Ending{0, SIGKILL};
    }
    if (message->kind == AppMessage::Kind::exited) co_return ending_of(message->value);
  }
}

Task<void> Supervisor::take_output(Life& life, bool error_stream) {
  net::Stream& stream = error_stream ? *life.err : *life.out;
  LineCutter cutter(limits::kLogLineBytesMax, [&](ByteView line) { watcher_.app_line(error_stream, line); });
  Bytes buffer(limits::kAppOutputBufferBytes);
  for (;;) {
    const auto got = co_await stream.read_some(buffer);
    if (!got || *got == 0) break;
    cutter.feed(ByteView(buffer).first(*got));
  }
  cutter.finish();
}

Task<void> Supervisor::watch_health(Life& life, wire::Manifest manifest) {
  const ProbeTarget target = probe_target(manifest);
  const Nanoseconds interval = manifest.health.kind == wire::HealthKind::none
                                   ? Nanoseconds(limits::kProbeInterval)
                                   : Nanoseconds(std::chrono::milliseconds(manifest.health.interval_ms));
  Nanoseconds wait(limits::kProbeFirst);
  bool healthy = false;
  bool told = false;  // why it is silent, or that it is not
  unsigned failures = 0;
  for (;;) {
    const auto answer = co_await probe(loop_.timers(), dialer_, target);
    if (answer) {
      failures = 0;
      if (!healthy) watcher_.app_healthy();
      healthy = told = true;
      wait = interval;
    } else if (healthy && ++failures >= limits::kProbeFailures) {
      healthy = false;
      watcher_.app_unhealthy(answer.error());
    } else if (!healthy) {
      wait = std::min<Nanoseconds>(wait * 2, std::min<Nanoseconds>(interval, limits::kProbeStartMax));
      const bool late = loop_.clock().monotonic() - life.began >= Nanoseconds(limits::kAppSilentTime);
      if (late && !told) {
        told = true;
        watcher_.app_silent(answer.error().code == Code::APP_HEALTH ? describe(answer.error()) : listening(target));
      }
    }
    co_await loop_.timers().sleep(wait);
  }
}

std::string Supervisor::listening(const ProbeTarget& target) const {
  std::vector<ListeningPort> ports;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    const auto text = read_file(table, kTableBytesMax);
    if (!text) continue;
    for (ListeningPort& port : parse_listening(as_text(*text))) ports.push_back(std::move(port));
  }
  return describe_listening(ports, target.port, {limits::kLocalApiPort, wire::port::kCaught, wire::port::kAppDns});
}

void Supervisor::ask_to_end() {
  if (life_ == nullptr) return;
  life_->tasks->spawn("app stop", [](net::Stream& events, int number) -> Task<void> {
    const auto bytes = write_app_message({AppMessage::Kind::signal, AppStep::none, number});
    // Where the app's init cannot be told, it is gone, and its end comes by itself.
    [[maybe_unused]] const auto sent = co_await events.write_all(bytes);
  }(*life_->events, stop_signal_));
}

void Supervisor::stop(Nanoseconds grace) {
  if (!stopping_) {
    stopping_ = true;
    ask_to_end();
  }
  kill_.emplace(loop_.timers(), grace, [this] {
    // A spawner that cannot be asked is gone, and its app with it.
    [[maybe_unused]] const auto asked = starter_.end();
  });
  changed_.notify();
}

}  // namespace cages::runtime
