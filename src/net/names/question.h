// SPDX-License-Identifier: Apache-2.0
// Question: one c-ares channel driven by the event loop until its one question is answered. For resolver.cpp alone.
#pragma once

#include <ares.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "net/event.h"
#include "net/event_loop.h"

namespace cages::net {

class Question : public std::enable_shared_from_this<Question> {
 public:
  explicit Question(EventLoop& loop) : loop_(loop) {}
  ~Question();
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;

  // open: IO where c-ares has no memory or no server. Call it once, before anything else.
  Result<void> open(const std::string& servers);
  [[nodiscard]] ares_channel channel() const { return channel_; }
  // ended is called by c-ares's callback, with its status.
  void ended(int status);
  // wait drives the channel until ended() or `time` is over (TIMEOUT), then closes it; returns c-ares's status.
  Task<Result<int>> wait(Nanoseconds time);

 private:
  struct Watch;
  static void on_socket(void* self, ares_socket_t fd, int readable, int writable);
  void watch(ares_socket_t fd, bool readable, bool writable);
  void arm(const std::shared_ptr<Watch>& watch);
  void arm_timer();
  void close();

  EventLoop& loop_;
  ares_channel channel_ = nullptr;
  std::map<ares_socket_t, std::shared_ptr<Watch>> watches_;
  std::optional<Timers::Queue::iterator> retry_;
  std::optional<Timers::Queue::iterator> limit_;
  std::optional<int> status_;
  bool late_ = false;
  Event changed_;
};

}  // namespace cages::net
