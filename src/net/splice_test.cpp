// SPDX-License-Identifier: Apache-2.0
// A relay between sockets: what flows past the process arrives whole, and its ends and errors are those of copying.
#include "net/splice.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "base/limits.h"
#include "net/event_loop.h"
#include "net/relay.h"
#include "net/tcp.h"
#include "net/unix.h"

namespace cages::net {
namespace {

constexpr std::size_t kMuch = 8 * 1024 * 1024;

Bytes much(unsigned seed) {
  std::mt19937_64 random(seed);
  Bytes out(kMuch);
  for (std::size_t at = 0; at < kMuch; at += sizeof(std::uint64_t)) {
    const std::uint64_t word = random();
    std::memcpy(out.data() + at, &word, sizeof word);
  }
  return out;
}

Task<void> send(Stream& to, const Bytes& bytes) {
  EXPECT_TRUE(co_await to.write_all(bytes));
  EXPECT_TRUE(co_await to.shutdown_write());
}

Task<void> take(Stream& from, Bytes& into) {
  auto all = co_await read_until_end(from, 2 * kMuch);
  EXPECT_TRUE(all);
  if (all) into = std::move(*all);
}

// A client and a server, with a relay from a TCP connection to a Unix one in between.
struct Between {
  EventLoop loop;
  StreamPtr client, near, far, server;
  Relayed counts;
  Result<void> outcome;

  Task<void> connect() {
    const ListenerPtr listener = listen_tcp(loop, "127.0.0.1", 0).value();
    client = (co_await dial_tcp(loop, "127.0.0.1", static_cast<std::uint16_t>(listener->port()))).value();
    near = std::move((co_await listener->accept()).value().stream);
    auto pair = unix_pair(loop).value();
    far = std::move(pair.first);
    server = std::move(pair.second);
  }
  Task<void> relay_all() { outcome = co_await relay(loop.timers(), *near, *far, std::chrono::seconds(20), counts); }
};

TEST(Splice, CarriesMuchBothWaysWhole) {
  Between b;
  const Bytes up = much(1);
  const Bytes down = much(2);
  Bytes got_up;
  Bytes got_down;
  const auto run = [&]() -> Task<void> {
    co_await b.connect();
    TaskGroup tasks(b.loop);
    tasks.spawn("relay", b.relay_all());
    tasks.spawn("up", send(*b.client, up));
    tasks.spawn("down", send(*b.server, down));
    tasks.spawn("server", take(*b.server, got_up));
    tasks.spawn("client", take(*b.client, got_down));
    co_await tasks.join();
  };
  b.loop.run(run());
  EXPECT_TRUE(b.outcome);
  EXPECT_TRUE(got_up == up);
  EXPECT_TRUE(got_down == down);
  EXPECT_EQ(b.counts.forward_bytes, kMuch);
  EXPECT_EQ(b.counts.backward_bytes, kMuch);
}

// Backpressure: who does not read holds up who writes, within the bound, and nothing else.
TEST(Splice, HoldsNoMoreThanItsBoundForAReaderThatWaits) {
  Between b;
  const Bytes up = much(3);
  Bytes got;
  std::uint64_t held = 0;
  const auto run = [&]() -> Task<void> {
    co_await b.connect();
    TaskGroup tasks(b.loop);
    tasks.spawn("relay", b.relay_all());
    tasks.spawn("up", send(*b.client, up));
    Byte byte = 0;
    EXPECT_TRUE(co_await read_exact(*b.server, {&byte, 1}));
    co_await b.loop.timers().sleep(std::chrono::milliseconds(500));
    held = b.counts.forward_bytes;
    co_await take(*b.server, got);
    EXPECT_TRUE(co_await b.server->shutdown_write());
    co_await tasks.join();
  };
  b.loop.run(run());
  EXPECT_LT(held, kMuch / 4);
  EXPECT_TRUE(std::equal(got.begin(), got.end(), up.begin() + 1, up.end()));
}

// Large, then small, then large: the way back to copying and forth again loses nothing.
TEST(Splice, GoesBackToCopyingWhereLittleComes) {
  Between b;
  Bytes all;
  Bytes got;
  const auto feed = [&]() -> Task<void> {
    const Bytes large(4 * 1024 * 1024, 'L');
    for (int round = 0; round < 3; ++round) {
      append(all, large);
      EXPECT_TRUE(co_await b.client->write_all(large));
      for (int i = 0; i < 100; ++i) {
        const Bytes small{static_cast<Byte>(i)};
        append(all, small);
        EXPECT_TRUE(co_await b.client->write_all(small));
        co_await b.loop.timers().sleep(std::chrono::milliseconds(1));
      }
    }
    EXPECT_TRUE(co_await b.client->shutdown_write());
  };
  const auto run = [&]() -> Task<void> {
    co_await b.connect();
    TaskGroup tasks(b.loop);
    tasks.spawn("relay", b.relay_all());
    tasks.spawn("feed", feed());
    co_await take(*b.server, got);
    EXPECT_TRUE(co_await b.server->shutdown_write());
    co_await tasks.join();
  };
  b.loop.run(run());
  EXPECT_TRUE(got == all);
}

TEST(Splice, EndsWhereASideIsGone) {
  Between b;
  const Bytes up = much(4);
  const auto write = [&]() -> Task<void> { std::ignore = co_await b.client->write_all(up); };
  const auto run = [&]() -> Task<void> {
    co_await b.connect();
    TaskGroup tasks(b.loop);
    tasks.spawn("relay", b.relay_all());
    tasks.spawn("write", write());
    Bytes some(1024 * 1024);
    EXPECT_TRUE(co_await read_exact(*b.server, some));
    b.server->close();
    co_await tasks.join();
  };
  b.loop.run(run());
  EXPECT_EQ(b.outcome.error().code, Code::CLOSED);
}

}  // namespace
}  // namespace cages::net
