// SPDX-License-Identifier: Apache-2.0
// Tasks, timers, memory streams, relay and frames, on a clock that the loop turns.
#include <gtest/gtest.h>

#include <tuple>
#include <vector>

#include "net/deadline.h"
#include "net/event.h"
#include "net/event_loop.h"
#include "net/frame.h"
#include "net/memory.h"
#include "net/relay.h"

namespace cages::net {
namespace {

using namespace std::chrono_literals;

struct Net : testing::Test {
  ManualClock clock;
  EventLoop loop{clock};
};

Bytes pattern(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<Byte>(i * 31 + i / 251);
  return bytes;
}

Task<void> send(Stream& to, ByteView bytes) {
  EXPECT_TRUE(co_await to.write_all(bytes));
  EXPECT_TRUE(co_await to.shutdown_write());
}

TEST_F(Net, SleepTakesTheTimeOfTheClockItWasGiven) {
  const auto slept = loop.run([](EventLoop& l) -> Task<Nanoseconds> {
    const Nanoseconds before = l.timers().now();
    co_await l.timers().sleep(3h);
    co_return l.timers().now() - before;
  }(loop));
  EXPECT_EQ(slept, Nanoseconds(3h));
}

TEST_F(Net, TimersFireInOrder) {
  std::vector<int> order;
  auto task = [&](int number, Nanoseconds time) -> Task<void> {
    co_await loop.timers().sleep(time);
    order.push_back(number);
  };
  loop.run([&]() -> Task<void> {
    TaskGroup group(loop);
    group.spawn("c", task(3, 30s));
    group.spawn("a", task(1, 10s));
    group.spawn("b", task(2, 20s));
    co_await group.join();
  }());
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST_F(Net, CancelledTasksUnwindAndOthersGoOn) {
  int unwound = 0;
  bool finished = false;
  struct Count {
    int& n;
    ~Count() { ++n; }
  };
  auto forever = [&]() -> Task<void> {
    const Count count{unwound};
    for (;;) co_await loop.timers().sleep(1h);
  };
  auto stuck = [&]() -> Task<void> {
    const Count count{unwound};
    Event never;
    for (;;) co_await never.wait();
  };
  loop.run([&]() -> Task<void> {
    TaskGroup group(loop);
    group.spawn("forever", forever());
    group.spawn("stuck", stuck());
    co_await loop.timers().sleep(10h);
    EXPECT_EQ(group.size(), 2U);
    co_await group.stop();
    EXPECT_EQ(group.size(), 0U);
    finished = true;
  }());
  EXPECT_EQ(unwound, 2);
  EXPECT_TRUE(finished);
}

TEST_F(Net, RunEndsWhatWasSpawnedAndLeft) {
  bool unwound = false;
  struct Mark {
    bool& flag;
    ~Mark() { flag = true; }
  };
  auto forever = [&]() -> Task<void> {
    const Mark mark{unwound};
    for (;;) co_await loop.timers().sleep(1h);
  };
  loop.run([&]() -> Task<void> {
    loop.spawn("forever", forever());
    co_await loop.timers().sleep(1s);
  }());
  EXPECT_TRUE(unwound);
}

TEST_F(Net, StopEndsRunWithoutAResult) {
  const auto result = loop.run([](EventLoop& l) -> Task<int> {
    l.stop();
    co_await l.timers().sleep(1s);
    co_return 1;
  }(loop));
  EXPECT_FALSE(result);
}

TEST_F(Net, AnExceptionEndsItsTaskAlone) {
  testing::internal::CaptureStderr();
  bool finished = false;
  auto thrower = []() -> Task<void> {
    co_await yield();
    std::ignore = std::vector<int>().at(1);
  };
  loop.run([&]() -> Task<void> {
    loop.spawn("thrower", thrower());
    co_await loop.timers().sleep(1s);
    finished = true;
  }());
  EXPECT_TRUE(finished);
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find("thrower"), std::string::npos) << log;
  EXPECT_NE(log.find("vector"), std::string::npos) << log;
}

TEST_F(Net, ADeadlockIsReportedInsteadOfHanging) {
  auto wait = []() -> Task<void> {
    Event never;
    co_await never.wait();
  };
  EXPECT_DEATH(loop.run(wait()), "every task waits");
}

TEST_F(Net, SlotsBoundWhatIsTaken) {
  Slots slots(1);
  std::vector<std::string> order;
  auto second = [&]() -> Task<void> {
    const auto slot = co_await slots.take();
    order.push_back("second");
  };
  loop.run([&]() -> Task<void> {
    TaskGroup group(loop);
    {
      const auto slot = slots.try_take();
      EXPECT_TRUE(slot);
      EXPECT_FALSE(slots.try_take());
      group.spawn("second", second());
      co_await loop.timers().sleep(1s);
      order.push_back("first");
    }
    co_await group.join();
  }());
  EXPECT_EQ(order, (std::vector<std::string>{"first", "second"}));
  EXPECT_EQ(slots.taken(), 0U);
}

TEST_F(Net, MemoryStreamsHoldNoMoreThanTheirBound) {
  auto [a, b] = memory_pair(1000);
  const Bytes sent = pattern(100'000);
  std::size_t written = 0;
  auto writer = [&]() -> Task<void> {
    for (ByteView rest = sent; !rest.empty(); rest = rest.subspan(500)) {
      EXPECT_TRUE(co_await a->write_all(rest.first(500)));
      written += 500;
    }
    EXPECT_TRUE(co_await a->shutdown_write());
  };
  loop.run([&]() -> Task<void> {
    loop.spawn("writer", writer());
    co_await loop.timers().sleep(1s);
    EXPECT_EQ(written, 1000U);
    const auto got = co_await read_until_end(*b, sent.size());
    EXPECT_TRUE(got && equal(*got, sent));
  }());
}

TEST_F(Net, ReadUntilEndRefusesMoreThanItsBound) {
  auto [a, b] = memory_pair();
  loop.run([&]() -> Task<void> {
    co_await send(*a, pattern(11));
    const auto got = co_await read_until_end(*b, 10);
    EXPECT_EQ(got.error().code, Code::LIMIT);
  }());
}

TEST_F(Net, CloseWakesReaderAndWriterWithItsReason) {
  auto [a, b] = memory_pair(10);
  std::vector<Code> codes;
  auto reader = [&]() -> Task<void> {
    Byte byte = 0;
    codes.push_back((co_await a->read_some({&byte, 1})).error().code);
  };
  auto writer = [&]() -> Task<void> { codes.push_back((co_await a->write_all(pattern(100))).error().code); };
  loop.run([&]() -> Task<void> {
    const Deadline deadline(loop.timers(), *a, 5s);
    co_await together(reader(), writer());
    EXPECT_TRUE(deadline.expired());
  }());
  EXPECT_EQ(codes, (std::vector<Code>{Code::TIMEOUT, Code::TIMEOUT}));
  EXPECT_EQ(loop.timers().now(), Nanoseconds(5s));
}

TEST_F(Net, ADeadlineThatIsClearedOrGoneDoesNothing) {
  auto [a, b] = memory_pair();
  loop.run([&]() -> Task<void> {
    { const Deadline deadline(loop.timers(), *a, 5s); }
    Deadline deadline(loop.timers(), *a, 5s);
    deadline.clear();
    co_await loop.timers().sleep(10s);
    EXPECT_TRUE(co_await a->write_all(as_bytes("x")));
  }());
}

TEST_F(Net, WritingToAPeerThatIsGoneFails) {
  auto [a, b] = memory_pair();
  b.reset();
  loop.run([&]() -> Task<void> {
    EXPECT_EQ((co_await a->write_all(as_bytes("x"))).error().code, Code::CLOSED);
    Byte byte = 0;
    EXPECT_EQ(co_await a->read_some({&byte, 1}), 0U);
  }());
}

class RelaySeeds : public testing::TestWithParam<std::uint64_t> {
 protected:
  ManualClock clock;
  EventLoop loop{clock};
};

TEST_P(RelaySeeds, CarriesBothWaysAndPassesHalfCloseOn) {
  auto [client, left] = memory_pair(3000);
  auto [right, server] = memory_pair(3000);
  left = hostile(loop, std::move(left), GetParam());
  right = hostile(loop, std::move(right), GetParam() + 1000);
  const Bytes question = pattern(40'000);
  const Bytes answer = pattern(70'000);
  Relayed counts;
  auto serve = [&]() -> Task<void> {
    const auto got = co_await read_until_end(*server, question.size());
    EXPECT_TRUE(got && equal(*got, question));
    co_await send(*server, answer);
  };
  auto ask = [&]() -> Task<void> {
    co_await send(*client, question);
    const auto got = co_await read_until_end(*client, answer.size());
    EXPECT_TRUE(got && equal(*got, answer));
  };
  auto carry = [&]() -> Task<void> { EXPECT_TRUE(co_await relay(loop.timers(), *left, *right, 1h, counts)); };
  loop.run([&]() -> Task<void> {
    TaskGroup group(loop);
    group.spawn("serve", serve());
    group.spawn("ask", ask());
    group.spawn("carry", carry());
    co_await group.join();
  }());
  EXPECT_EQ(counts.forward_bytes, question.size());
  EXPECT_EQ(counts.backward_bytes, answer.size());
}

INSTANTIATE_TEST_SUITE_P(Seeds, RelaySeeds, testing::Range<std::uint64_t>(1, 21));

TEST_F(Net, RelayEndsWhenNothingMoves) {
  auto [client, left] = memory_pair();
  auto [right, server] = memory_pair();
  Relayed counts;
  loop.run([&]() -> Task<void> {
    EXPECT_TRUE(co_await client->write_all(as_bytes("hello")));
    EXPECT_EQ((co_await relay(loop.timers(), *left, *right, 60s, counts)).error().code, Code::TIMEOUT);
  }());
  EXPECT_EQ(counts.forward_bytes, 5U);
  EXPECT_LE(loop.timers().now(), Nanoseconds(120s));
}

TEST_F(Net, RelayEndsBothSidesWhenOneBreaks) {
  auto [client, left] = memory_pair();
  auto [right, server] = memory_pair();
  Relayed counts;
  loop.run([&]() -> Task<void> {
    EXPECT_TRUE(co_await client->write_all(as_bytes("hello")));
    server->close();
    EXPECT_FALSE(co_await relay(loop.timers(), *left, *right, 60s, counts));
    Byte byte = 0;
    EXPECT_EQ(co_await client->read_some({&byte, 1}), 0U);
  }());
}

TEST_F(Net, FramesRoundTripWhateverTheCarrierDoes) {
  loop.run([&]() -> Task<void> {
    for (const std::size_t size : {0U, 1U, 4096U, 65536U}) {
      auto [a, b] = memory_pair(500'000);
      a = hostile(loop, std::move(a), size + 1);
      EXPECT_TRUE(co_await write_frame(*a, pattern(size)));
      const auto got = co_await read_frame(*b);
      EXPECT_TRUE(got && equal(*got, pattern(size)));
      EXPECT_TRUE(co_await a->shutdown_write());
      EXPECT_EQ((co_await read_frame(*b)).error().code, Code::CLOSED);
    }
  }());
}

TEST_F(Net, ShortFramesRoundTripAndHaveABound) {
  loop.run([&]() -> Task<void> {
    auto [a, b] = memory_pair();
    EXPECT_TRUE((co_await write_short_frame(*a, as_bytes("question"))).has_value());
    EXPECT_TRUE((co_await write_short_frame(*a, as_bytes("question"))).has_value());
    EXPECT_EQ((co_await read_short_frame(*b, 8)).value_or(Bytes()), to_bytes("question"));
    EXPECT_EQ((co_await read_short_frame(*b, 7)).error().code, Code::FRAME);
    EXPECT_EQ((co_await write_short_frame(*a, Bytes(65536))).error().code, Code::FRAME);
  }());
}

TEST_F(Net, FramesThatAreTooLongOrCutAreRefused) {
  loop.run([&]() -> Task<void> {
    for (const char* wire : {"00010001", "ffffffff", "000000", "0000000561626364"}) {
      auto [a, b] = memory_pair();
      co_await send(*a, parse_hex(wire).value());
      EXPECT_EQ((co_await read_frame(*b)).error().code, Code::FRAME) << wire;
    }
    auto [a, b] = memory_pair();
    EXPECT_EQ((co_await write_frame(*a, pattern(65537))).error().code, Code::FRAME);
  }());
}

TEST_F(Net, MemoryPortsConnectDiallersWithListeners) {
  MemoryPorts ports;
  loop.run([&]() -> Task<void> {
    EXPECT_EQ((co_await ports.dial(7010)).error().code, Code::UNREACHABLE);
    auto listener = ports.listen(7010).value();
    EXPECT_EQ(ports.listen(7010).error().code, Code::EXISTS);
    auto dialled = (co_await ports.dial(7010)).value();
    auto accepted = (co_await listener->accept()).value();
    EXPECT_EQ(accepted.peer.address, "memory");
    co_await send(*dialled, as_bytes("hi"));
    EXPECT_EQ((co_await read_until_end(*accepted.stream, 10)).value(), to_bytes("hi"));
    listener->close();
    EXPECT_EQ((co_await listener->accept()).error().code, Code::CLOSED);
  }());
}

TEST_F(Net, AHostileCarrierDoesTheSameForTheSameSeed) {
  auto record = [&](std::uint64_t seed) {
    std::vector<std::size_t> sizes;
    auto [a, b] = memory_pair(100'000);
    b = hostile(loop, std::move(b), seed);
    loop.run([&]() -> Task<void> {
      co_await send(*a, pattern(10'000));
      Bytes buffer(4096);
      for (;;) {
        const auto n = co_await b->read_some(buffer);
        if (!n || *n == 0) break;
        sizes.push_back(*n);
      }
    }());
    return sizes;
  };
  EXPECT_EQ(record(7), record(7));
  EXPECT_NE(record(7), record(8));
}

}  // namespace
}  // namespace cages::net
