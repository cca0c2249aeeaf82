// SPDX-License-Identifier: Apache-2.0
// The resolver against a DNS server of the test's own, over real sockets.
#include "net/names/resolver.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <set>
#include <thread>

#include "base/file.h"
#include "base/limits.h"

namespace cages::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Answers each datagram by `reply` (which sees the question and may return nothing), from a thread.
class Server {
 public:
  using Reply = std::function<Bytes(ByteView)>;
  explicit Server(Reply reply) : reply_(std::move(reply)), socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    socklen_t size = sizeof address;
    ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    const timeval wait{0, 20'000};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() {
    stop_ = true;
    thread_.join();
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  [[nodiscard]] std::vector<std::string> address() const { return {"127.0.0.1:" + std::to_string(port_)}; }
  std::set<std::uint16_t> ports;  // that questions came from
  std::atomic<int> questions = 0;

 private:
  void serve() {
    Bytes buffer(4096);
    while (!stop_) {
      sockaddr_in from{};
      socklen_t size = sizeof from;
      const ssize_t n = ::recvfrom(socket_.get(), buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (n < 12) continue;
      ports.insert(ntohs(from.sin_port));
      ++questions;
      const Bytes answer = reply_(ByteView(buffer).first(static_cast<std::size_t>(n)));
      if (!answer.empty()) ::sendto(socket_.get(), answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    }
  }
  Reply reply_;
  Fd socket_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

// The question's section, and its type.
ByteView question_of(ByteView query) {
  std::size_t at = 12;
  while (query[at] != 0) at += query[at] + 1U;
  return query.subspan(12, at + 5 - 12);
}
std::uint16_t type_of(ByteView query) {
  const ByteView question = question_of(query);
  return static_cast<std::uint16_t>(question[question.size() - 4] << 8 | question[question.size() - 3]);
}
struct Record {
  std::uint16_t type;
  std::uint32_t ttl;
  Bytes data;
};
Bytes answer(ByteView query, const std::vector<Record>& records, Byte rcode = 0) {
  Bytes out{query[0], query[1], 0x85, static_cast<Byte>(0x80 | rcode), 0, 1, 0, static_cast<Byte>(records.size()), 0, 0, 0, 0};
  append(out, question_of(query));
  for (const Record& record : records) {
    append(out, Bytes{0xc0, 12, static_cast<Byte>(record.type >> 8), static_cast<Byte>(record.type), 0, 1, 0, 0});
    append(out, Bytes{static_cast<Byte>(record.ttl >> 8), static_cast<Byte>(record.ttl), 0,
                      static_cast<Byte>(record.data.size())});
    append(out, record.data);
  }
  return out;
}
Bytes both(ByteView query) {
  if (type_of(query) == 1) return answer(query, {{1, 300, {192, 0, 2, 1}}, {1, 30, {192, 0, 2, 2}}});
  Bytes six = to_bytes(parse_ip("2001:db8::1")->view());
  return answer(query, {{28, 60, six}});
}

struct Ask {
  EventLoop loop;
  std::unique_ptr<Resolver> resolver;
  explicit Ask(const Server& server) : resolver(Resolver::make(loop, server.address()).value()) {}
  Result<NameAddresses> addresses(const std::string& name, Nanoseconds time = seconds(5)) {
    return loop.run(resolver->addresses(name, time)).value();
  }
  Result<Bytes> message(const std::string& name, std::uint16_t type, Nanoseconds time = seconds(5)) {
    return loop.run(resolver->message(name, type, time)).value();
  }
};

TEST(Resolver, FindsBothFamiliesAndTheShortestTtl) {
  const Server server(both);
  Ask ask(server);
  const auto found = ask.addresses("api.example.com");
  ASSERT_TRUE(found) << describe(found.error());
  std::set<std::string> texts;
  for (const IpAddress& address : found->addresses) texts.insert(write_ip(address));
  EXPECT_EQ(texts, (std::set<std::string>{"192.0.2.1", "192.0.2.2", "2001:db8::1"}));
  EXPECT_EQ(found->ttl, seconds(30));
}

TEST(Resolver, AsksEachQuestionFromAnotherPort) {
  const Server server(both);
  Ask ask(server);
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(ask.addresses("n" + std::to_string(i) + ".example.com"));
  EXPECT_GE(server.ports.size(), 6U);
}

TEST(Resolver, SaysWhereThereIsNothing) {
  const Server server([](ByteView query) { return answer(query, {}, 3); });
  Ask ask(server);
  EXPECT_EQ(ask.addresses("none.example.com").error().code, Code::EGRESS_RESOLVE);
  const auto message = ask.message("none.example.com", 16);
  ASSERT_TRUE(message) << "NXDOMAIN is an answer";
  EXPECT_EQ((*message)[3] & 0x0f, 3);
}

TEST(Resolver, WaitsNoLongerThanItsTime) {
  const Server server([](ByteView) { return Bytes(); });
  Ask ask(server);
  const Nanoseconds began = ask.loop.timers().now();
  EXPECT_EQ(ask.addresses("slow.example.com", milliseconds(200)).error().code, Code::TIMEOUT);
  EXPECT_EQ(ask.message("slow.example.com", 16, milliseconds(200)).error().code, Code::TIMEOUT);
  EXPECT_LT(ask.loop.timers().now() - began, seconds(2));
}

TEST(Resolver, TakesNoAnswerToAnotherQuestion) {
  const Server server([](ByteView query) {
    Bytes other = both(query);
    other[13] ^= 1;
    return other;
  });
  Ask ask(server);
  EXPECT_FALSE(ask.addresses("api.example.com", milliseconds(500)));
}

TEST(Resolver, PassesAMessageOnWithoutItsId) {
  const Server server([](ByteView query) { return answer(query, {{16, 60, {2, 'h', 'i'}}}); });
  Ask ask(server);
  const auto message = ask.message("text.example.com", 16);
  ASSERT_TRUE(message) << describe(message.error());
  EXPECT_EQ((*message)[0], 0);
  EXPECT_EQ((*message)[1], 0);
  EXPECT_EQ(as_text(ByteView(*message).last(2)), "hi");
}

TEST(Resolver, SurvivesGarbage) {
  int round = 0;
  const Server server([&round](ByteView query) {
    Bytes garbage = both(query);
    for (std::size_t i = 2; i < garbage.size(); ++i) garbage[i] = static_cast<Byte>(garbage[i] * 31 + round * 7 + i);
    ++round;
    return garbage;
  });
  Ask ask(server);
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(ask.addresses("api.example.com", milliseconds(300)));
}

TEST(Resolver, EndsWithTheTaskThatAsks) {
  const Server server([](ByteView) { return Bytes(); });
  Ask ask(server);
  const auto give_up = [&]() -> Task<void> {
    TaskGroup asking(ask.loop);
    const auto one = [](Ask& of) -> Task<void> { static_cast<void>(co_await of.resolver->addresses("slow.example.com", seconds(60))); };
    asking.spawn("one", one(ask));
    co_await ask.loop.timers().sleep(milliseconds(50));
    co_await asking.stop();
  };
  ask.loop.run(give_up());
  EXPECT_GE(server.questions, 1);
}

TEST(Resolver, KnowsTheHostsFileAndRefusesServersThatAreNone) {
  const Server server([](ByteView) { return Bytes(); });
  Ask ask(server);
  const auto local = ask.addresses("localhost");
  ASSERT_TRUE(local) << describe(local.error());
  EXPECT_EQ(local->ttl, seconds(0));
  EXPECT_EQ(server.questions, 0);
  EventLoop loop;
  EXPECT_EQ(Resolver::make(loop, {"not an address"}).error().code, Code::USAGE);
}

}  // namespace
}  // namespace cages::net
