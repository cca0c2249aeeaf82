// SPDX-License-Identifier: Apache-2.0
#include "net/worker.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace cages::net {
namespace asio = boost::asio;

struct Worker::State {
  explicit State(EventLoop& l) : loop(l) {}
  EventLoop& loop;
  asio::thread_pool thread{1};
};

Worker::Worker(EventLoop& loop) : state_(std::make_unique<State>(loop)) {}

Worker::~Worker() { state_->thread.join(); }

Task<void> Worker::wait_for(const std::function<void()>& job) {
  EventLoop& loop = state_->loop;
  loop.wait_elsewhere(true);
  co_await asio::async_initiate<decltype(asio::use_awaitable), void()>(
      [this, &loop, &job](auto&& handler) {
        asio::post(state_->thread, [&job, handler = std::forward<decltype(handler)>(handler),
                                    guard = asio::make_work_guard(loop.context())]() mutable {
          job();
          asio::post(guard.get_executor(), std::move(handler));
        });
      },
      asio::use_awaitable);
  loop.wait_elsewhere(false);
}

}  // namespace cages::net
