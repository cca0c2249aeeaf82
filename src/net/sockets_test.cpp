// SPDX-License-Identifier: Apache-2.0
// Real sockets: TCP, Unix, the hybrid vsock convention, signals.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "net/deadline.h"
#include "net/memory.h"
#include "net/resolve.h"
#include "net/signals.h"
#include "net/tcp.h"
#include "net/unix.h"
#include "net/vsock.h"

namespace cages::net {
namespace {

using namespace std::chrono_literals;

struct Sockets : testing::Test {
  Sockets() {
    std::string name = (std::filesystem::temp_directory_path() / "cages.XXXXXX").string();
    folder = ::mkdtemp(name.data());
  }
  ~Sockets() override { std::filesystem::remove_all(folder); }
  std::filesystem::path folder;
  EventLoop loop;
};

// Sends back, in capitals, what comes on one connection.
Task<void> echo(Listener& listener) {
  auto accepted = co_await listener.accept();
  EXPECT_TRUE(accepted);
  const auto got = co_await read_until_end(*accepted->stream, 100);
  EXPECT_TRUE(got);
  EXPECT_TRUE(co_await accepted->stream->write_all(*got));
}

Task<void> talk(Stream& stream) {
  EXPECT_TRUE(co_await stream.write_all(as_bytes("hello")));
  EXPECT_TRUE(co_await stream.shutdown_write());
  EXPECT_EQ(co_await read_until_end(stream, 100), to_bytes("hello"));
}

TEST_F(Sockets, TcpCarriesBothWaysOverEitherFamily) {
  for (const char* ip : {"127.0.0.1", "::1"}) {
    auto listener = listen_tcp(loop, ip, 0);
    if (!listener) continue;  // a machine without IPv6
    loop.run([&]() -> Task<void> {
      loop.spawn("echo", echo(**listener));
      auto stream = co_await dial_tcp(loop, ip, static_cast<std::uint16_t>((*listener)->port()));
      EXPECT_TRUE(stream) << describe(stream.error());
      co_await talk(**stream);
    }());
  }
}

TEST_F(Sockets, TcpNamesItsPeerAndMapsIpv4) {
  auto listener = listen_tcp(loop, "::", 0);
  if (!listener) GTEST_SKIP() << "no IPv6 here";
  loop.run([&]() -> Task<void> {
    auto stream = co_await dial_tcp(loop, "127.0.0.1", static_cast<std::uint16_t>((*listener)->port()));
    EXPECT_TRUE(stream);
    auto accepted = co_await (*listener)->accept();
    EXPECT_EQ(accepted->peer.address, "127.0.0.1");
    EXPECT_NE(accepted->peer.port, 0);
  }());
}

TEST_F(Sockets, NobodyListeningIsUnreachable) {
  const std::uint32_t port = listen_tcp(loop, "127.0.0.1", 0).value()->port();
  loop.run([&]() -> Task<void> {
    EXPECT_EQ((co_await dial_tcp(loop, "127.0.0.1", static_cast<std::uint16_t>(port))).error().code, Code::UNREACHABLE);
    EXPECT_EQ((co_await dial_unix(loop, folder / "nothing")).error().code, Code::UNREACHABLE);
    EXPECT_EQ((co_await dial_tcp(loop, "localhost", 1)).error().code, Code::USAGE);
  }());
}

TEST_F(Sockets, ATakenAddressIsNamed) {
  auto first = listen_tcp(loop, "127.0.0.1", 0).value();
  EXPECT_EQ(listen_tcp(loop, "127.0.0.1", static_cast<std::uint16_t>(first->port())).error().code, Code::EXISTS);
}

TEST_F(Sockets, ADeadlineEndsARead) {
  loop.run([&]() -> Task<void> {
    auto pair = unix_pair(loop).value();
    const Deadline deadline(loop.timers(), *pair.first, 20ms);
    Byte byte = 0;
    EXPECT_EQ((co_await pair.first->read_some({&byte, 1})).error().code, Code::TIMEOUT);
    EXPECT_EQ((co_await pair.first->write_all({&byte, 1})).error().code, Code::TIMEOUT);
    EXPECT_EQ(co_await pair.second->read_some({&byte, 1}), 0U);
    EXPECT_EQ((co_await pair.second->write_all({&byte, 1})).error().code, Code::CLOSED);
  }());
}

TEST_F(Sockets, UnixListenersReplaceADeadOnesFileAndNothingElse) {
  const auto path = folder / "s";
  { auto dead = listen_unix(loop, path).value(); }
  auto living = listen_unix(loop, path);
  ASSERT_TRUE(living) << describe(living.error());
  EXPECT_EQ(listen_unix(loop, path).error().code, Code::EXISTS);
  std::ofstream(folder / "file") << "data";
  EXPECT_EQ(listen_unix(loop, folder / "file").error().code, Code::EXISTS);
  EXPECT_EQ(listen_unix(loop, folder / std::string(200, 'x')).error().code, Code::LIMIT);
  EXPECT_EQ(std::filesystem::status(path).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(Sockets, HybridVsockCarriesBothWays) {
  loop.run([&]() -> Task<void> {
    HybridHost host(loop, folder);
    HybridEnclave enclave(loop, listen_unix(loop, folder / "v").value(), folder);
    auto ingress = enclave.listen(7010).value();
    EXPECT_EQ(enclave.listen(7010).error().code, Code::EXISTS);
    loop.spawn("echo", echo(*ingress));
    auto inward = co_await host.dial(7010);
    EXPECT_TRUE(inward);
    co_await talk(**inward);
    EXPECT_EQ((co_await host.dial(7011)).error().code, Code::UNREACHABLE);

    EXPECT_EQ((co_await enclave.dial(9000)).error().code, Code::UNREACHABLE);
    auto heartbeat = host.listen(9000).value();
    loop.spawn("echo", echo(*heartbeat));
    auto outward = co_await enclave.dial(9000);
    EXPECT_TRUE(outward);
    co_await talk(**outward);

    ingress->close();
    EXPECT_EQ((co_await host.dial(7010)).error().code, Code::UNREACHABLE);
  }());
}

TEST_F(Sockets, HybridVsockRefusesOtherLines) {
  loop.run([&]() -> Task<void> {
    HybridEnclave enclave(loop, listen_unix(loop, folder / "v").value(), folder);
    auto ingress = enclave.listen(7010).value();
    for (const std::string line :
         {"CONNECT\n", "CONNECT \n", "CONNECT 7010 \n", "CONNECT -1\n", "CONNECT 99999999999\n", "connect 7010\n",
          "CONNECT7010\n", "\n", "CONNECT 000000000000000000000000000000007010\n"}) {
      auto stream = (co_await dial_unix(loop, folder / "v")).value();
      EXPECT_TRUE(co_await stream->write_all(as_bytes(line)));
      // Unread bytes make the kernel reset instead of ending; either way nothing is answered.
      EXPECT_EQ((co_await read_until_end(*stream, 10)).value_or(Bytes()), Bytes()) << line;
    }
  }());
}

TEST_F(Sockets, AtTheDescriptorLimitTheNewestIsClosedAndTheRestLives) {
#if __has_feature(undefined_behavior_sanitizer)
  GTEST_SKIP() << "UBSan needs descriptors of its own to check a class; the tsan tree runs this";
#endif
  auto listener = listen_tcp(loop, "127.0.0.1", 0).value();
  const auto port = static_cast<std::uint16_t>(listener->port());
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  loop.run([&]() -> Task<void> {
    auto first = (co_await dial_tcp(loop, "127.0.0.1", port)).value();
    auto accepted = (co_await listener->accept()).value();
    auto second = (co_await dial_tcp(loop, "127.0.0.1", port)).value();
    auto third = (co_await dial_tcp(loop, "127.0.0.1", port)).value();
    const int highest = ::dup(0);
    const rlimit low{static_cast<rlim_t>(highest), before.rlim_max};
    ::close(highest);
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
    Byte byte = 0;
    auto drain = [&](Listener& from) -> Task<void> { EXPECT_FALSE(co_await from.accept()); };
    TaskGroup group(loop);
    group.spawn("accept", drain(*listener));
    EXPECT_EQ((co_await second->read_some({&byte, 1})).value_or(0), 0U);
    EXPECT_EQ((co_await third->read_some({&byte, 1})).value_or(0), 0U);
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_TRUE(co_await accepted.stream->write_all(as_bytes("x")));
    EXPECT_EQ(co_await first->read_some({&byte, 1}), 1U);
    co_await group.stop();
  }());
}

TEST_F(Sockets, PipesAreStreams) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  loop.run([&]() -> Task<void> {
    auto out = stream_from(loop, Fd(ends[0])).value();
    auto in = stream_from(loop, Fd(ends[1])).value();
    EXPECT_TRUE(co_await in->write_all(as_bytes("text")));
    in.reset();
    EXPECT_EQ(co_await read_until_end(*out, 10), to_bytes("text"));
  }());
}

TEST_F(Sockets, SignalsAreAwaited) {
  loop.run([&]() -> Task<void> {
    Signals signals(loop, {SIGUSR1});
    std::raise(SIGUSR1);
    EXPECT_EQ(co_await signals.next(), SIGUSR1);
  }());
}

TEST_F(Sockets, HeldSignalsWaitForWhoTakesThem) {
  hold_signals({SIGUSR2});
  std::raise(SIGUSR2);  // would end this process
  loop.run([&]() -> Task<void> {
    Signals signals(loop, {SIGUSR2});
    EXPECT_EQ(co_await signals.next(), SIGUSR2);
  }());
}

TEST_F(Sockets, NamesResolveWithinTheirTime) {
  loop.run([&]() -> Task<void> {
    const auto literal = co_await resolve(loop, "192.0.2.1", 1s);
    EXPECT_EQ(literal, std::vector<std::string>{"192.0.2.1"});
    const auto local = co_await resolve(loop, "localhost", 5s);
    EXPECT_TRUE(local && !local->empty());
  }());
}

TEST_F(Sockets, VsockWithoutAPeerIsUnreachable) {
  loop.run([&]() -> Task<void> {
    Vsock vsock(loop, kHostCid);
    const auto stream = co_await vsock.dial(1);
    EXPECT_FALSE(stream);
  }());
}

}  // namespace
}  // namespace cages::net
