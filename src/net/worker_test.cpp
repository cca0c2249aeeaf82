// SPDX-License-Identifier: Apache-2.0
#include "net/worker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <string>
#include <vector>

namespace cages::net {
namespace {

// A job that ends only when somebody else in the loop lets it: were the loop held up, both would wait for good.
struct Held {
  std::promise<void> opened;
  std::future<void> open = opened.get_future();
  std::vector<std::string> order;

  Task<void> work(Worker& worker) {
    const int got = co_await worker.run([this] {
      open.wait();
      return 7;
    });
    order.push_back("work " + std::to_string(got));
  }
  Task<void> let_go() {
    order.emplace_back("others");
    opened.set_value();
    co_return;
  }
};

TEST(Worker, WorkThatBlocksHoldsUpNobody) {
  EventLoop loop;
  Worker worker(loop);
  Held held;
  loop.run(together(held.work(worker), held.let_go()));
  EXPECT_EQ(held.order, (std::vector<std::string>{"others", "work 7"}));
}

TEST(Worker, AClockThatATestTurnsStandsStillMeanwhile) {
  ManualClock clock;
  EventLoop loop(clock);
  Worker worker(loop);
  Held held;
  const auto sleep = [&]() -> Task<void> {
    co_await held.let_go();
    co_await loop.timers().sleep(std::chrono::hours(1));
    held.order.emplace_back("an hour later");
  };
  loop.run(together(held.work(worker), sleep()));
  EXPECT_EQ(held.order, (std::vector<std::string>{"others", "work 7", "an hour later"}));
}

TEST(Worker, JobsRunOneAfterAnotherAndACancelledTaskWaitsForItsOwn) {
  EventLoop loop;
  Worker worker(loop);
  TaskGroup tasks(loop);
  std::promise<void> opened;
  std::future<void> open = opened.get_future();
  std::vector<int> done;
  const auto job = [](Worker& at, std::future<void>& gate, std::vector<int>& list, int number) -> Task<void> {
    co_await at.run([&] {
      if (number == 1) gate.wait();
      list.push_back(number);
      return number;
    });
    co_await yield();
    list.push_back(100);  // never: it unwinds at its next wait
  };
  loop.run([&]() -> Task<void> {
    tasks.spawn("first", job(worker, open, done, 1));
    tasks.spawn("second", job(worker, open, done, 2));
    co_await yield();
    tasks.cancel();
    opened.set_value();
    co_await tasks.join();
  }());
  ASSERT_FALSE(done.empty());
  EXPECT_EQ(done.front(), 1);
  EXPECT_EQ(std::ranges::count(done, 100), 0);
}

}  // namespace
}  // namespace cages::net
