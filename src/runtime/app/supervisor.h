// SPDX-License-Identifier: Apache-2.0
// Supervisor: keeps the app running as the manifest says: started, its output taken down line by line, probed until it
// is healthy and ever after, started again when it ends, stopped in order. One app. Tells an AppWatcher what becomes of
// it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "net/alarm.h"
#include "net/event.h"
#include "net/event_loop.h"
#include "runtime/app/probe.h"
#include "runtime/app/restart.h"
#include "runtime/app/spawner.h"
#include "wire/manifest.h"

namespace cages::runtime {

// What the supervisor tells, in the loop's thread; none of it may block.
class AppWatcher {
 public:
  virtual ~AppWatcher() = default;
  virtual void app_started(bool shares_user) = 0;
  // healthy: the probe succeeds now, for the first time or again. unhealthy: it did and does no more.
  virtual void app_healthy() = 0;
  virtual void app_unhealthy(const Error& why) = 0;
  // The port has not answered for a while; `listening` says what the app listens on instead.
  virtual void app_silent(const std::string& listening) = 0;
  virtual void app_line(bool error_stream, ByteView line) = 0;
  // It ended; `again` is when it will be started again, if it will.
  virtual void app_ended(const Ending& ending, std::optional<Nanoseconds> again) = 0;
};

// describe_ending: "exit code 1", "signal 11 (SEGV)".
std::string describe_ending(const Ending& ending);

class Supervisor {
 public:
  // lifetime: everything outlives the supervisor; await run() before what it refers to goes.
  Supervisor(net::EventLoop& loop, AppStarter& starter, AppDialer& dialer, AppWatcher& watcher);

  // run keeps the app running. Returns without an error after stop(), else APP_START (a step failed) or APP_EXIT (it
  // ended, and its policy says not to start it again).
  Task<Result<void>> run(AppSpec spec, wire::Manifest manifest);
  // stop sends the image's stop signal; what has not ended after `grace` is killed. May be called again with less.
  void stop(Nanoseconds grace);

 private:
  struct Life;  // one start to its end
  Task<Result<Ending>> live(const AppSpec& spec, const wire::Manifest& manifest);
  Task<Result<Ending>> follow(Life& life);
  Task<void> watch_health(Life& life, wire::Manifest manifest);
  Task<void> take_output(Life& life, bool error_stream);
  Task<void> rest(Nanoseconds time);
  void ask_to_end();
  std::string listening(const ProbeTarget& target) const;

  net::EventLoop& loop_;
  AppStarter& starter_;
  AppDialer& dialer_;
  AppWatcher& watcher_;
  net::Event changed_;
  Life* life_ = nullptr;
  int stop_signal_ = 15;
  bool stopping_ = false;
  std::optional<net::Alarm> kill_;
};

}  // namespace cages::runtime
