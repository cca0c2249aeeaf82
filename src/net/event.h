// SPDX-License-Identifier: Apache-2.0
// Event: a task waits until another one says that something changed. Slots: how many of something may exist at a time
// (connections, handshakes). For every part; one thread.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "base/task.h"

namespace cages::net {

class Event {
 public:
  Event();
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  // wait returns after the next notify(), perhaps sooner: ask for the condition in a loop. lifetime: outlives its
  // waiters.
  Task<void> wait();
  // notify wakes every task that waits now.
  void notify();

 private:
  struct Waiter;
  Waiter* first_ = nullptr;
};

// lifetime: outlives every Slot taken from it.
class Slots {
 public:
  class Slot {
   public:
    Slot() = default;
    Slot(Slot&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
    Slot& operator=(Slot&& other) noexcept {
      if (this != &other) release();
      owner_ = std::exchange(other.owner_, nullptr);
      return *this;
    }
    ~Slot() { release(); }
    void release();

   private:
    friend class Slots;
    explicit Slot(Slots* owner) : owner_(owner) {}
    Slots* owner_ = nullptr;
  };

  explicit Slots(std::size_t count_max) : max_(count_max) {}
  // try_take returns none where `count_max` are taken. take waits for one.
  [[nodiscard]] std::optional<Slot> try_take();
  Task<Slot> take();
  [[nodiscard]] std::size_t taken() const { return taken_; }
  [[nodiscard]] std::size_t count_max() const { return max_; }

 private:
  std::size_t max_;
  std::size_t taken_ = 0;
  Event freed_;
};

}  // namespace cages::net
