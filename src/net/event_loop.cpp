// SPDX-License-Identifier: Apache-2.0
#include "net/event_loop.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/multiple_exceptions.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <list>

#include "base/log.h"
#include "net/event.h"

namespace cages::net {
namespace asio = boost::asio;
namespace {

// The edge where exceptions of libraries end (own code has none): a cancelled task unwinds by one, others are logged.
void report(const std::string& name, const std::exception_ptr& exception) {
  if (!exception) return;
  try {
    std::rethrow_exception(exception);
  } catch (const boost::system::system_error& e) {
    if (e.code() == asio::error::operation_aborted) return;
    log::error("task.exception", Error(Code::INTERNAL, name, "", e.what()));
  } catch (const asio::multiple_exceptions& e) {
    report(name, e.first_exception());  // of together(): both unwound
  } catch (const std::exception& e) {
    log::error("task.exception", Error(Code::INTERNAL, name, "", e.what()));
  } catch (...) {
    log::error("task.exception", Error(Code::INTERNAL, name, "", "an exception of unknown type"));
  }
}

// Asio 1.26's co_spawn throws out of the loop where a task is cancelled before its first wait ended; so there always is
// one.
Task<void> begin(Task<void> task) {
  co_await asio::post(asio::use_awaitable);
  co_await std::move(task);
}

void ignore_sigpipe() {
  struct sigaction current{};
  ::sigaction(SIGPIPE, nullptr, &current);
  if (current.sa_handler != SIG_DFL) return;
  current.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &current, nullptr);
}

}  // namespace

struct TaskGroup::State {
  explicit State(asio::io_context& c) : context(c) {}
  struct Child {
    asio::cancellation_signal signal;
    bool ended = false;
  };
  asio::io_context& context;
  std::list<Child> children;
  Event ended;
  bool cancelled = false;
  bool stops_loop = false;  // when the last child ends

  void cancel() {
    cancelled = true;
    // race: emitting only posts completions, so no child leaves the list meanwhile.
    for (auto& child : children) {
      if (!child.ended) child.signal.emit(asio::cancellation_type::terminal);
    }
  }
};

TaskGroup::TaskGroup(EventLoop& loop) : state_(std::make_shared<State>(loop.context())) {}

TaskGroup::~TaskGroup() { state_->cancel(); }

void TaskGroup::spawn(std::string name, Task<void> task) {
  const auto child = state_->children.emplace(state_->children.end());
  asio::co_spawn(state_->context, begin(std::move(task)),
                 asio::bind_cancellation_slot(child->signal.slot(), [state = state_, child, name = std::move(name)](
                                                                        const std::exception_ptr& e) {
                   report(name, e);
                   child->ended = true;
                   // race: a cancellation that was emitted before waits in the loop's queue and will look at its
                   // signal; so the child leaves the list behind it.
                   asio::post(state->context, [state, child] {
                     state->children.erase(child);
                     state->ended.notify();
                     if (state->stops_loop && state->children.empty()) state->context.stop();
                   });
                 }));
  if (state_->cancelled) child->signal.emit(asio::cancellation_type::terminal);
}

void TaskGroup::cancel() { state_->cancel(); }

Task<void> TaskGroup::join() {
  const auto state = state_;
  while (!state->children.empty()) co_await state->ended.wait();
}

Task<void> TaskGroup::stop() {
  cancel();
  co_await join();
}

std::size_t TaskGroup::size() const { return state_->children.size(); }

Task<void> together(Task<void> one, Task<void> other) {
  using asio::experimental::awaitable_operators::operator&&;
  co_await (begin(std::move(one)) && begin(std::move(other)));
}

Task<void> either(Task<void> main, Task<void> helper) {
  using asio::experimental::awaitable_operators::operator||;
  // The first to return ends the other, so the helper never does.
  auto and_wait = [](Task<void> task) -> Task<void> {
    co_await std::move(task);
    Event never;
    for (;;) co_await never.wait();
  };
  co_await (begin(std::move(main)) || begin(and_wait(std::move(helper))));
}

Task<void> yield() { co_await asio::post(asio::use_awaitable); }

EventLoop::EventLoop()
    : context_(std::make_unique<asio::io_context>(1)),
      clock_(&system_clock_),
      timers_(std::make_unique<Timers>(*clock_, context_.get())),
      main_(std::make_unique<TaskGroup>(*this)),
      tasks_(std::make_unique<TaskGroup>(*this)) {
  ignore_sigpipe();
}

EventLoop::EventLoop(ManualClock& clock)
    : context_(std::make_unique<asio::io_context>(1)),
      clock_(&clock),
      manual_(&clock),
      timers_(std::make_unique<Timers>(*clock_, nullptr)),
      main_(std::make_unique<TaskGroup>(*this)),
      tasks_(std::make_unique<TaskGroup>(*this)) {}

EventLoop::~EventLoop() {
  tasks_.reset();
  main_.reset();
  timers_.reset();
}

void EventLoop::stop() {
  main_->cancel();
  tasks_->cancel();
}

void EventLoop::drive(Task<void> main) {
  main_->spawn("main", std::move(main));
  turn(*main_);
  tasks_->cancel();
  turn(*tasks_);
  main_ = std::make_unique<TaskGroup>(*this);
  tasks_ = std::make_unique<TaskGroup>(*this);
}

void EventLoop::turn(TaskGroup& until_empty) {
  until_empty.state_->stops_loop = true;
  while (until_empty.size() != 0) {
    context_->restart();
    if (manual_ == nullptr) {
      context_->run();
      continue;
    }
    if (context_->poll() != 0 || until_empty.size() == 0) continue;
    if (elsewhere_ > 0) {
      context_->run_one();
      continue;
    }
    const auto due = timers_->next();
    if (!due) {
      log::error("loop.deadlock", Error(Code::INTERNAL, "every task waits and no timer is set"));
      std::abort();
    }
    if (*due > manual_->monotonic()) manual_->advance(*due - manual_->monotonic());
    timers_->fire_due();
  }
}

}  // namespace cages::net
