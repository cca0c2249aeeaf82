// SPDX-License-Identifier: Apache-2.0
#include "net/unix.h"

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace cages::net {
namespace {

Result<SocketAddress> unix_address(const std::filesystem::path& path) {
  sockaddr_un address{};
  if (path.empty() || path.native().size() >= sizeof address.sun_path) {
    return fail(Code::LIMIT, path.string(), "a path of 1 to " + std::to_string(sizeof address.sun_path - 1) + " bytes",
                std::to_string(path.native().size()));
  }
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  SocketAddress out;
  std::memcpy(&out.storage, &address, sizeof address);
  out.length = sizeof address;
  return out;
}

// A socket file that refuses connections has no owner any more.
bool abandoned(const SocketAddress& address, const std::filesystem::path& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return probe && ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.length) != 0 &&
         errno == ECONNREFUSED;
}

}  // namespace

Task<Result<StreamPtr>> dial_unix(EventLoop& loop, std::filesystem::path path) {
  CO_TRY_ASSIGN(const SocketAddress address, unix_address(path));
  co_return co_await dial_address(loop, address, path.string());
}

Result<ListenerPtr> listen_unix(EventLoop& loop, const std::filesystem::path& path) {
  TRY_ASSIGN(const SocketAddress address, unix_address(path));
  if (abandoned(address, path)) ::unlink(path.c_str());
  const mode_t before = ::umask(0177);
  auto listener = listen_address(loop, address, path.string());
  ::umask(before);
  return listener;
}

Result<std::pair<StreamPtr, StreamPtr>> unix_pair(EventLoop& loop) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
    return fail(errno_error("socketpair", errno));
  }
  Fd one(ends[0]);
  Fd other(ends[1]);
  TRY_ASSIGN(StreamPtr first, stream_from(loop, std::move(one)));
  TRY_ASSIGN(StreamPtr second, stream_from(loop, std::move(other)));
  return std::pair(std::move(first), std::move(second));
}

}  // namespace cages::net
