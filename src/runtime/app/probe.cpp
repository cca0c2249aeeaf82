// SPDX-License-Identifier: Apache-2.0
#include "runtime/app/probe.h"

#include <array>

#include "base/limits.h"
#include "net/deadline.h"
#include "net/tcp.h"

namespace cages::runtime {
namespace {

constexpr std::size_t kStatusLineBytes = 12;  // "HTTP/1.1 200", RFC 9112 §4

bool digit(char c) { return c >= '0' && c <= '9'; }

Task<Result<void>> ask_http(net::Stream& stream, const ProbeTarget& target) {
  const std::string request = "GET " + target.path + " HTTP/1.1\r\nHost: localhost:" + std::to_string(target.port) +
                              "\r\nUser-Agent: cage-health\r\nConnection: close\r\n\r\n";
  CO_TRY(co_await stream.write_all(as_bytes(request)));
  std::array<Byte, kStatusLineBytes> head{};
  CO_TRY(co_await net::read_exact(stream, head));
  CO_TRY_ASSIGN(const unsigned status, status_of(as_text(head)));
  if (status >= 200 && status < 400) co_return Result<void>{};
  co_return fail(Code::APP_HEALTH, target.path, "a status from 200 to 399", std::to_string(status));
}

}  // namespace

Task<Result<net::StreamPtr>> LoopbackDialer::dial(std::uint16_t port) {
  auto stream = co_await net::dial_tcp(loop_, "127.0.0.1", port);
  if (stream) co_return stream;
  auto other = co_await net::dial_tcp(loop_, "::1", port);
  if (other) co_return other;
  co_return stream;  // the first reason is the better one
}

ProbeTarget probe_target(const wire::Manifest& manifest) {
  if (manifest.health.kind == wire::HealthKind::none) return {wire::HealthKind::tcp, "", manifest.port};
  return {manifest.health.kind, manifest.health.path, manifest.health.port};
}

Result<unsigned> status_of(std::string_view head) {
  const bool status_line = head.size() >= kStatusLineBytes && head.starts_with("HTTP/1.") && digit(head[7]) &&
                           head[8] == ' ' && digit(head[9]) && digit(head[10]) && digit(head[11]);
  if (!status_line) return fail(Code::APP_HEALTH, "", "an HTTP status line", printable(head));
  return static_cast<unsigned>((head[9] - '0') * 100 + (head[10] - '0') * 10 + (head[11] - '0'));
}

Task<Result<void>> probe(net::Timers& timers, AppDialer& dialer, ProbeTarget target) {
  CO_TRY_ASSIGN(const net::StreamPtr stream, co_await dialer.dial(target.port));
  if (target.kind != wire::HealthKind::http) co_return Result<void>{};
  const net::Deadline deadline(timers, *stream, limits::kProbeTime);
  co_return co_await ask_http(*stream, target);
}

}  // namespace cages::runtime
