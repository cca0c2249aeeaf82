// SPDX-License-Identifier: Apache-2.0
#include "attest/nsm_client.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <chrono>

namespace cages::attest {
namespace {

// struct nsm_raw of Linux include/uapi/linux/nsm.h: two {address, length} pairs of 64 bits each.
struct NsmRaw {
  std::uint64_t request_address;
  std::uint64_t request_bytes;
  std::uint64_t response_address;
  std::uint64_t response_bytes;
};
static_assert(sizeof(NsmRaw) == 32);
constexpr unsigned long kNsmIoctl = _IOWR(0x0A, 0, NsmRaw);
static_assert(kNsmIoctl == 0xC0200A00);

Result<void> check_request(ByteView request) {
  if (request.size() <= limits::kNsmRequestBytesMax) return {};
  return fail(Code::LIMIT, "NSM request", "at most " + std::to_string(limits::kNsmRequestBytesMax) + " bytes",
              std::to_string(request.size()));
}

// wait_for returns when `fd` is ready for `events`; TIMEOUT at `deadline`.
Result<void> wait_for(int fd, short events, std::chrono::steady_clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return fail(Code::TIMEOUT, "NSM", "an answer", "none");
    pollfd waiting{fd, events, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(left.count()));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return fail(errno_error("NSM socket", errno));
  }
}

bool is_seqpacket(int fd) {
  int domain = 0;
  int type = 0;
  socklen_t length = sizeof domain;
  if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) != 0) return false;
  length = sizeof type;
  return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && domain == AF_UNIX && type == SOCK_SEQPACKET;
}

}  // namespace

Result<std::unique_ptr<NsmChannel>> NsmDevice::open(const std::filesystem::path& path) {
  Fd device(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!device) return fail(Code::MACHINE, path.string(), "an NSM", errno_error("", errno).got);
  return std::make_unique<NsmDevice>(std::move(device));
}

Result<Bytes> NsmDevice::exchange(ByteView request) {
  TRY(check_request(request));
  Bytes response(limits::kNsmResponseBytesMax);
  // The driver only reads through the request's address.
  NsmRaw raw{reinterpret_cast<std::uintptr_t>(request.data()), request.size(),
             reinterpret_cast<std::uintptr_t>(response.data()), response.size()};
  int outcome = 0;
  do outcome = ::ioctl(device_.get(), kNsmIoctl, &raw);
  while (outcome != 0 && errno == EINTR);
  if (outcome != 0) return fail(errno_error("NSM ioctl", errno));
  // The driver cuts a longer answer and says how long it was.
  if (raw.response_bytes > response.size()) {
    return fail(Code::LIMIT, "NSM response", "at most " + std::to_string(response.size()) + " bytes",
                std::to_string(raw.response_bytes));
  }
  response.resize(static_cast<std::size_t>(raw.response_bytes));
  return response;
}

Result<Bytes> NsmSocket::exchange(ByteView request) {
  TRY(check_request(request));
  const std::lock_guard lock(mutex_);
  if (!socket_) return fail(Code::CLOSED, "NSM", "an open channel", "one that failed before");
  Result<Bytes> answer = exchange_once(request);
  if (!answer) socket_.reset();
  return answer;
}

Result<Bytes> NsmSocket::exchange_once(ByteView request) {
  const auto deadline = std::chrono::steady_clock::now() + timeout_;
  for (;;) {
    TRY(wait_for(socket_.get(), POLLOUT, deadline));
    const ssize_t sent = ::send(socket_.get(), request.data(), request.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) break;
    if (errno == EPIPE || errno == ECONNRESET) return fail(Code::CLOSED, "NSM", "an open channel", "the NSM is gone");
    if (errno != EINTR && errno != EAGAIN) return fail(errno_error("NSM socket", errno));
  }
  // One byte more than is allowed, so that a longer datagram shows.
  Bytes response(limits::kNsmResponseBytesMax + 1);
  for (;;) {
    TRY(wait_for(socket_.get(), POLLIN, deadline));
    const ssize_t got = ::recv(socket_.get(), response.data(), response.size(), MSG_DONTWAIT);
    if (got > 0) {
      if (static_cast<std::size_t>(got) > limits::kNsmResponseBytesMax) return fail(Code::LIMIT, "NSM response");
      response.resize(static_cast<std::size_t>(got));
      return response;
    }
    if (got == 0 || errno == ECONNRESET) return fail(Code::CLOSED, "NSM", "an answer", "the NSM is gone");
    if (errno != EINTR && errno != EAGAIN) return fail(errno_error("NSM socket", errno));
  }
}

Result<std::unique_ptr<NsmChannel>> open_nsm(int fd) {
  if (!is_seqpacket(fd)) return NsmDevice::open();
  if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return fail(errno_error("NSM socket", errno));
  return std::make_unique<NsmSocket>(Fd(fd));
}

template <class T>
Result<T> Nsm::ask(const wire::NsmRequest& request) {
  TRY_ASSIGN(Bytes bytes, channel_->exchange(wire::write_nsm_request(request)));
  Result<wire::NsmResponse> parsed = wire::parse_nsm_response(bytes);
  wipe(bytes);  // GetRandom's answer is secret
  if (!parsed) return fail(std::move(parsed).error());
  if (T* answer = std::get_if<T>(&*parsed)) return std::move(*answer);
  if (const auto* refusal = std::get_if<wire::NsmRefusal>(&*parsed)) {
    return fail(Code::NSM_REFUSED, std::string(wire::nsm_status_name(refusal->status)));
  }
  return fail(Code::NSM_RESPONSE, "", "the answer to this request", "another operation's");
}

Result<wire::NsmDescription> Nsm::describe() { return ask<wire::NsmDescription>(wire::NsmDescribeRequest{}); }

Result<Secret> Nsm::random() {
  TRY_ASSIGN(wire::NsmRandom answer, ask<wire::NsmRandom>(wire::NsmRandomRequest{}));
  if (answer.random.empty()) return fail(Code::NSM_RESPONSE, "random", "at least one byte", "none");
  return std::move(answer.random);
}

Result<Bytes> Nsm::attestation(const wire::NsmAttestationRequest& request) {
  TRY_ASSIGN(wire::NsmDocument answer, ask<wire::NsmDocument>(request));
  return std::move(answer.document);
}

Result<wire::NsmPcr> Nsm::describe_pcr(std::uint16_t index) {
  return ask<wire::NsmPcr>(wire::NsmDescribePcrRequest{index});
}

Result<Bytes> Nsm::extend_pcr(std::uint16_t index, ByteView data) {
  TRY_ASSIGN(wire::NsmExtendedPcr answer, ask<wire::NsmExtendedPcr>(wire::NsmExtendPcrRequest{index, to_bytes(data)}));
  return std::move(answer.value);
}

Result<void> Nsm::lock_pcr(std::uint16_t index) {
  TRY(ask<wire::NsmLockedPcr>(wire::NsmLockPcrRequest{index}));
  return {};
}

Result<void> Nsm::lock_pcrs(std::uint16_t range) {
  TRY(ask<wire::NsmLockedPcrs>(wire::NsmLockPcrsRequest{range}));
  return {};
}

}  // namespace cages::attest
