// SPDX-License-Identifier: Apache-2.0
// EventLoop: the one thread that drives every coroutine of a program, and TaskGroup: children with an owner. The only
// way to start a coroutine that nobody awaits. For programs (main makes one loop) and whoever accepts connections. Not
// for work that blocks: everything else waits meanwhile.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/task.h"
#include "net/timers.h"

namespace boost::asio {
class io_context;
}

namespace cages::net {

class EventLoop;

// A set of running tasks. lifetime: a task takes values, or references to what outlives the group; await stop() before
// what it refers to goes.
class TaskGroup {
 public:
  explicit TaskGroup(EventLoop& loop);
  // Cancels what still runs and does not wait for it.
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // spawn starts `task`; `name` says in the log which one ended by an exception. In a group that was cancelled it
  // unwinds at its first wait.
  void spawn(std::string name, Task<void> task);
  // cancel makes every task unwind from the wait it is in, or from its next.
  void cancel();
  // join waits until no task is left.
  Task<void> join();
  // stop cancels, then joins.
  Task<void> stop();
  [[nodiscard]] std::size_t size() const;

 private:
  friend class EventLoop;
  struct State;
  std::shared_ptr<State> state_;
};

// together runs two tasks at a time and returns when both ended. They may refer to the caller's locals.
Task<void> together(Task<void> one, Task<void> other);

// either runs `main` and, at the same time, `helper`; when `main` has ended, `helper` is cancelled if it still runs.
// Returns when both have ended. Both may refer to the caller's locals.
Task<void> either(Task<void> main, Task<void> helper);

// yield lets every other task that is ready run first.
Task<void> yield();

class EventLoop {
 public:
  // A loop in real time. Ignores SIGPIPE in this process: writes report CLOSED instead. (A child resets it before
  // exec.)
  EventLoop();
  // A loop for tests over memory streams: whenever every task waits, `clock` jumps to the next timer. Aborts where all
  // wait and no timer is set, for that is a deadlock.
  explicit EventLoop(ManualClock& clock);
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // run drives `main` to its end, then cancels what was spawned and drives that to its end too. Returns what `main`
  // returned; none where stop() or an exception (logged) ended it.
  template <class T>
  std::optional<T> run(Task<T> main) {
    std::optional<T> result;
    drive(keep(std::move(main), result));
    return result;
  }
  void run(Task<void> main) { drive(std::move(main)); }
  // stop makes run() cancel everything and return.
  void stop();
  // spawn starts a task that lives until it ends or run() does.
  void spawn(std::string name, Task<void> task) { tasks_->spawn(std::move(name), std::move(task)); }

  [[nodiscard]] Timers& timers() { return *timers_; }
  [[nodiscard]] const Clock& clock() const { return *clock_; }
  // For net/ alone. wait_elsewhere: one task more (or less) waits for what no timer brings, so that time stands still.
  [[nodiscard]] boost::asio::io_context& context() { return *context_; }
  void wait_elsewhere(bool begins) { elsewhere_ += begins ? 1 : -1; }

 private:
  template <class T>
  static Task<void> keep(Task<T> main, std::optional<T>& result) {
    result.emplace(co_await std::move(main));
  }
  void drive(Task<void> main);
  void turn(TaskGroup& until_empty);

  std::unique_ptr<boost::asio::io_context> context_;
  SystemClock system_clock_;
  const Clock* clock_;
  ManualClock* manual_ = nullptr;
  int elsewhere_ = 0;
  std::unique_ptr<Timers> timers_;
  std::unique_ptr<TaskGroup> main_;
  std::unique_ptr<TaskGroup> tasks_;
};

}  // namespace cages::net
