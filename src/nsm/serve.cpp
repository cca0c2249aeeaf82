// SPDX-License-Identifier: Apache-2.0
#include "nsm/serve.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <optional>
#include <thread>

#include "base/file.h"
#include "base/limits.h"

namespace cages::nsm {
namespace {

// An empty datagram and the end of the connection both read as 0 bytes.
bool peer_has_ended(int channel) {
  pollfd state{channel, POLLRDHUP, 0};
  return ::poll(&state, 1, 0) > 0 && (state.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

// receive returns the next request's bytes within `buffer`, nothing at the end.
Result<std::optional<ByteView>> receive(int channel, std::span<Byte> buffer) {
  for (;;) {
    const ssize_t got = ::recv(channel, buffer.data(), buffer.size(), 0);
    if (got > 0) return ByteView(buffer).first(static_cast<std::size_t>(got));
    if (got == 0 && peer_has_ended(channel)) return std::nullopt;
    if (got == 0) return ByteView();
    if (errno == ECONNRESET) return std::nullopt;
    if (errno != EINTR) return fail(errno_error("channel", errno));
  }
}

Result<bool> send_answer(int channel, ByteView answer) {
  for (;;) {
    if (::send(channel, answer.data(), answer.size(), MSG_NOSIGNAL) >= 0) return true;
    if (errno == EPIPE || errno == ECONNRESET) return false;
    if (errno != EINTR) return fail(errno_error("channel", errno));
  }
}

}  // namespace

Result<void> serve(int channel, Module& module, std::chrono::microseconds latency) {
  // One byte more than is allowed, so that a longer request shows as too large.
  Bytes buffer(limits::kNsmRequestBytesMax + 1);
  for (;;) {
    TRY_ASSIGN(const auto request, receive(channel, buffer));
    if (!request) return {};
    const Module::Answer answer = module.answer(*request);
    if (answer.document && latency.count() > 0) std::this_thread::sleep_for(latency);
    TRY_ASSIGN(const bool sent, send_answer(channel, answer.bytes));
    if (!sent) return {};
  }
}

}  // namespace cages::nsm
