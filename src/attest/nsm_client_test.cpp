// SPDX-License-Identifier: Apache-2.0
#include "attest/nsm_client.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <thread>

namespace cages::attest {
namespace {

using namespace std::chrono_literals;

struct Pair {
  Fd ours;
  Fd theirs;
};

Pair make_pair(int type = SOCK_SEQPACKET) {
  std::array<int, 2> fds{};
  EXPECT_EQ(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds.data()), 0);
  return {Fd(fds[0]), Fd(fds[1])};
}

// Answers each request by `answer` until the other side closes; an empty answer closes.
std::jthread serve(Fd socket, std::function<Bytes(ByteView)> answer) {
  return std::jthread([socket = std::move(socket), answer = std::move(answer)] {
    Bytes buffer(limits::kNsmRequestBytesMax);
    for (;;) {
      const ssize_t got = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
      if (got <= 0) return;
      const Bytes out = answer(ByteView(buffer).first(static_cast<std::size_t>(got)));
      if (out.empty()) return;
      EXPECT_EQ(::send(socket.get(), out.data(), out.size(), MSG_NOSIGNAL), static_cast<ssize_t>(out.size()));
    }
  });
}

Nsm nsm_over(Fd socket, std::chrono::milliseconds timeout = 10s) {
  return Nsm(std::make_unique<NsmSocket>(std::move(socket), timeout));
}

TEST(Nsm, AsksAndReadsEachOperation) {
  auto [ours, theirs] = make_pair();
  const auto server = serve(std::move(theirs), [](ByteView bytes) {
    const wire::NsmRequest request = wire::parse_nsm_request(bytes).value();
    switch (request.index()) {
      case 0: return wire::write_nsm_response(wire::NsmDescription{1, 2, 3, "i-1-enc2", 32, {0, 15}, "SHA384"});
      case 1: return wire::write_nsm_response(wire::NsmRandom{Secret(Bytes(256, 7))});
      case 2: return wire::write_nsm_response(wire::NsmPcr{true, Bytes(48, 1)});
      case 3: return wire::write_nsm_response(wire::NsmExtendedPcr{std::get<3>(request).data});
      case 4: return wire::write_nsm_response(wire::NsmLockedPcr{});
      case 5: return wire::write_nsm_response(wire::NsmLockedPcrs{});
      default: return wire::write_nsm_response(wire::NsmDocument{*std::get<6>(request).nonce});
    }
  });
  Nsm nsm = nsm_over(std::move(ours));
  EXPECT_EQ(nsm.describe().value().module_id, "i-1-enc2");
  EXPECT_EQ(nsm.random().value().size(), 256U);
  EXPECT_TRUE(nsm.describe_pcr(0).value().locked);
  EXPECT_EQ(hex(nsm.extend_pcr(16, Bytes{1, 2}).value()), "0102");
  EXPECT_TRUE(nsm.lock_pcr(16));
  EXPECT_TRUE(nsm.lock_pcrs(20));
  EXPECT_EQ(hex(nsm.attestation({.user_data = {}, .nonce = Bytes{9}, .public_key = {}}).value()), "09");
}

Code code_for(const Bytes& answer) {
  auto [ours, theirs] = make_pair();
  const auto server = serve(std::move(theirs), [&](ByteView) { return answer; });
  return nsm_over(std::move(ours)).random().error().code;
}

TEST(Nsm, NamesWhatIsWrongWithAnAnswer) {
  EXPECT_EQ(code_for(wire::write_nsm_response(wire::NsmRefusal{wire::NsmStatus::internal_error})), Code::NSM_REFUSED);
  EXPECT_EQ(code_for(wire::write_nsm_response(wire::NsmRefusal{wire::NsmStatus::success})), Code::NSM_REFUSED);
  EXPECT_EQ(code_for(wire::write_nsm_response(wire::NsmLockedPcr{})), Code::NSM_RESPONSE);
  EXPECT_EQ(code_for(wire::write_nsm_response(wire::NsmRandom{})), Code::NSM_RESPONSE);
  EXPECT_EQ(code_for(Bytes{0x1c}), Code::CBOR);
  EXPECT_EQ(code_for(Bytes(limits::kNsmResponseBytesMax + 1, 0x60)), Code::LIMIT);
  EXPECT_EQ(code_for({}), Code::CLOSED);
}

TEST(NsmSocket, NeverTakesALateAnswerForTheNext) {
  auto [ours, theirs] = make_pair();
  NsmSocket channel(std::move(ours), 20ms);
  const auto first = channel.exchange(Bytes{1});
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, Code::TIMEOUT);
  const Bytes late{0x60};
  ::send(theirs.get(), late.data(), late.size(), MSG_NOSIGNAL);
  const auto second = channel.exchange(Bytes{2});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::CLOSED);
}

TEST(NsmSocket, RefusesARequestTheNsmCouldNotTake) {
  auto [ours, theirs] = make_pair();
  NsmSocket channel(std::move(ours));
  EXPECT_EQ(channel.exchange(Bytes(limits::kNsmRequestBytesMax + 1)).error().code, Code::LIMIT);
}

TEST(OpenNsm, TakesASeqpacketSocketAndNothingElse) {
  auto [stream, other] = make_pair(SOCK_STREAM);
  const auto refused = open_nsm(stream.get());
  if (::access("/dev/nsm", F_OK) != 0) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::MACHINE);
  }
  auto [ours, theirs] = make_pair();
  const auto server = serve(std::move(theirs), [](ByteView) {
    return wire::write_nsm_response(wire::NsmRandom{Secret(Bytes(256, 7))});
  });
  auto channel = open_nsm(ours.release());
  ASSERT_TRUE(channel);
  EXPECT_TRUE(Nsm(std::move(*channel)).random());
}

TEST(NsmDevice, SaysWhatTheMachineLacks) {
  EXPECT_EQ(NsmDevice::open("/nonexistent/nsm").error().code, Code::MACHINE);
}

}  // namespace
}  // namespace cages::attest
