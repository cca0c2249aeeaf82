// SPDX-License-Identifier: Apache-2.0
#include "runtime/egress/sockets.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/ip.h"
#include "base/limits.h"
#include "runtime/egress/redirect.h"
#include "wire/ports.h"

namespace cages::runtime::egress {
namespace {

constexpr const char* kTrialAddress = "127.127.255.1";  // among those of names, above all that are given out
constexpr std::uint16_t kTrialPort = 9;
constexpr int kTrialMs = 2000;
constexpr int kOriginalDestination = 80;  // SO_ORIGINAL_DST; its header is not C++

Error refused(const std::string& what) {
  const int number = errno;
  return {Code::EGRESS_KERNEL, what, "", errno_error("", number).got};
}

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

Address address_of(std::string_view text, std::uint16_t port) {
  const IpAddress ip = parse_ip(text).value();
  Address out;
  if (ip.v6) {
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(port);
    std::memcpy(&six.sin6_addr, ip.bytes.data(), sizeof six.sin6_addr);
    std::memcpy(&out.storage, &six, sizeof six);
    out.length = sizeof six;
  } else {
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    std::memcpy(&four.sin_addr, ip.bytes.data(), sizeof four.sin_addr);
    std::memcpy(&out.storage, &four, sizeof four);
    out.length = sizeof four;
  }
  return out;
}

Result<Fd> bound(std::string_view ip, std::uint16_t port, int type, const std::string& what) {
  const Address address = address_of(ip, port);
  Fd fd(::socket(address.storage.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fail(refused(what));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.storage.ss_family == AF_INET6) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.length) != 0) return fail(refused(what));
  if (type == SOCK_STREAM && ::listen(fd.get(), limits::kListenBacklog) != 0) return fail(refused(what));
  return fd;
}

// A kernel may take the rule and lack what it needs: see it work.
Result<void> try_redirect(const Fd& listener) {
  const Address names = address_of(kTrialAddress, kTrialPort);
  const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fail(refused("socket"));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&names.storage), names.length) != 0 && errno != EINPROGRESS) {
    return fail(refused("redirect"));
  }
  pollfd wait{listener.get(), POLLIN, 0};
  if (::poll(&wait, 1, kTrialMs) != 1) return fail(Code::EGRESS_KERNEL, "redirect", "a connection that is caught", "none");
  const Fd caught(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!caught) return fail(refused("redirect"));
  sockaddr_in meant{};
  socklen_t size = sizeof meant;
  if (::getsockopt(caught.get(), IPPROTO_IP, kOriginalDestination, &meant, &size) != 0) {
    return fail(refused("SO_ORIGINAL_DST (connection tracking)"));
  }
  if (meant.sin_port != htons(kTrialPort)) return fail(Code::EGRESS_KERNEL, "SO_ORIGINAL_DST", "port 9", "another");
  return {};
}

}  // namespace

Result<Sockets> open_sockets() {
  TRY_ASSIGN(const bool v6, install_redirect());
  Sockets sockets;
  TRY_ASSIGN(sockets.caught4, bound("127.0.0.1", wire::port::kCaught, SOCK_STREAM, "listener"));
  if (v6) {
    TRY_ASSIGN(sockets.caught6, bound("::1", wire::port::kCaught, SOCK_STREAM, "IPv6 listener"));
  }
  TRY(try_redirect(sockets.caught4));
  TRY_ASSIGN(sockets.dns_udp, bound("127.0.0.1", wire::port::kAppDns, SOCK_DGRAM, "DNS socket"));
  TRY_ASSIGN(sockets.dns_tcp, bound("127.0.0.1", wire::port::kAppDns, SOCK_STREAM, "DNS listener"));
  return sockets;
}

}  // namespace cages::runtime::egress
