// SPDX-License-Identifier: Apache-2.0
// Worker: one thread beside the loop for work that blocks (measuring an image, waiting for a disk). Jobs run there one after
// another; whoever waits for one goes on in the loop. For programs that have such work; work may touch nothing that the loop's
// tasks touch meanwhile.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <type_traits>

#include "net/event_loop.h"

namespace cages::net {

class Worker {
 public:
  // lifetime: the loop outlives it. Destroying it waits for the job that runs.
  explicit Worker(EventLoop& loop);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // run returns what `work` returned there. A task that is cancelled meanwhile unwinds when its job has ended.
  template <class F>
  Task<std::invoke_result_t<F>> run(F work) {
    std::optional<std::invoke_result_t<F>> result;
    const std::function<void()> job = [&] { result.emplace(work()); };
    co_await wait_for(job);
    co_return std::move(*result);
  }

 private:
  // race: `job` lives in the frame of run(), which goes on only once it was done.
  Task<void> wait_for(const std::function<void()>& job);
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cages::net
