// SPDX-License-Identifier: Apache-2.0
// Somebody has taken over the runtime behind its fence, and tries for the network: each attempt in a child that closes the
// fence as the runtime does.
#include <arpa/inet.h>
#include <linux/landlock.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "attacks/attack.h"
#include "base/file.h"
#include "runtime/boot/fence.h"

namespace cages::attacks {
namespace {

// A listener of another program on loopback, and one that is the app.
struct Listening {
  Fd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::uint16_t port = 0;
  Listening() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size);
    ::listen(fd.get(), 8);
    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
  }
};

// "" where `attempt` succeeded behind the fence, else the name of its errno.
std::string behind_fence(int host_family, std::uint16_t app_port, const std::function<long()>& attempt) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) return "no pipe";
  const Fd read_end(ends[0]);
  Fd write_end(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) {
    int error = -1;
    if (runtime::begin_fence() && runtime::close_fence({host_family, {app_port}})) {
      errno = 0;
      error = attempt() >= 0 ? 0 : errno;
    }
    [[maybe_unused]] const auto wrote = ::write(ends[1], &error, sizeof error);
    _exit(0);
  }
  write_end.reset();
  int error = -1;
  const bool told = ::read(read_end.get(), &error, sizeof error) == sizeof error;
  ::waitpid(child, nullptr, 0);
  if (!told || error == -1) return "no fence";
  return error == 0 ? "" : strerrorname_np(error);
}

std::string open_socket(int family, int type, int protocol = 0, int host_family = AF_VSOCK) {
  return behind_fence(host_family, 8080, [=] { return ::socket(family, type, protocol); });
}

long connect_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return fd < 0 ? fd : ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

std::vector<Attack> sockets() {
  return {
      {"datagrams", "EACCES", [] { return open_socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC); }},
      {"datagrams_v6", "EACCES", [] { return open_socket(AF_INET6, SOCK_DGRAM); }},
      {"raw", "EACCES", [] { return open_socket(AF_INET, SOCK_RAW, IPPROTO_TCP); }},
      {"netlink", "EAFNOSUPPORT", [] { return open_socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE); }},
      {"packets", "EAFNOSUPPORT", [] { return open_socket(AF_PACKET, SOCK_RAW); }},
      {"unix_beside_vsock", "EAFNOSUPPORT", [] { return open_socket(AF_UNIX, SOCK_STREAM); }},
      {"vsock_beside_unix", "EAFNOSUPPORT", [] { return open_socket(AF_VSOCK, SOCK_STREAM, 0, AF_UNIX); }},
  };
}

TEST_P(Attempt, IsRefusedByOneCheck) { EXPECT_EQ(GetParam().attempt(), GetParam().refused_as); }
INSTANTIATE_TEST_SUITE_P(Socket, Attempt, testing::ValuesIn(sockets()), attack_name);

TEST(Connection, ToAnotherPortThanTheAppsIsRefused) {
  if (::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION) < 4) {
    GTEST_SKIP() << "this kernel's Landlock does not know TCP";
  }
  const Listening app;
  const Listening other;
  EXPECT_EQ(behind_fence(AF_VSOCK, app.port, [&] { return connect_to(other.port); }), "EACCES");
}

TEST(Fence, LeavesWhatTheRuntimeNeeds) {
  const Listening app;
  EXPECT_EQ(behind_fence(AF_VSOCK, app.port, [&] { return connect_to(app.port); }), "");
  EXPECT_EQ(behind_fence(AF_UNIX, app.port, [] { return ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0); }), "");
  EXPECT_EQ(open_socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK), "");
}

TEST(Fence, HasNoWayRoundSockets) {
  EXPECT_EQ(behind_fence(AF_VSOCK, 1, [] { return ::syscall(SYS_io_uring_setup, 8, nullptr); }), "EPERM");
  EXPECT_EQ(behind_fence(AF_VSOCK, 1, [] { return ::syscall(SYS_execve, "/bin/true", nullptr, nullptr); }), "EPERM");
  EXPECT_EQ(behind_fence(AF_VSOCK, 1, [] { return ::syscall(SYS_unshare, 0x40000000); }), "EPERM");
}

}  // namespace
}  // namespace cages::attacks
