// SPDX-License-Identifier: Apache-2.0
#include "host/drivers/process_enclave.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/check.h"
#include "base/limits.h"
#include "base/log.h"
#include "net/deadline.h"
#include "net/descriptor.h"
#include "net/frame.h"
#include "net/unix.h"

namespace cages::drivers {
namespace {

constexpr std::size_t kAnswerBytesMax = 32;  // "OK 4294967295\n"
constexpr std::chrono::seconds kConnectTime{5};
constexpr std::chrono::milliseconds kEndTold{300};
constexpr std::size_t kLastWordsBytes = 2048;

using StatePtr = std::shared_ptr<ProcessState>;

void note_end(ProcessState& state, const Ended& ended) {
  state.end_told = true;
  const bool killed = ended.signal != 0;
  state.exit.cause = state.stopping ? Cause::stopped : killed ? Cause::killed : Cause::exited;
  state.exit.code = static_cast<int>(killed ? ended.signal : ended.exit_code);
}

// Reports until the warden's end; then everything of the enclave is gone.
Task<void> follow_control(StatePtr state) {
  for (;;) {
    const auto payload = co_await net::read_frame(*state->control);
    if (!payload) break;
    const auto report = parse_report(*payload);
    if (!report) {
      log::error("enclave.report", report.error(), {{"enclave", state->instance.id()}});
      break;
    }
    if (const auto* ended = std::get_if<Ended>(&*report)) note_end(*state, *ended);
    if (const auto* failed = std::get_if<Failed>(&*report)) {
      log::error("enclave.failed", to_error(*failed), {{"enclave", state->instance.id()}});
    }
  }
  state->control->close();
  static_cast<void>(::syscall(SYS_pidfd_send_signal, state->launched->process.get(), SIGKILL, nullptr, 0));
  static_cast<void>(co_await net::wait_readable(state->loop, state->launched->process.get()));
  state->end();
}

Task<void> follow_console(StatePtr state) {
  std::array<Byte, 4096> piece{};
  for (;;) {
    const auto count = co_await state->console_stream->read_some(piece);
    if (!count || *count == 0) co_return;
    const auto lines = state->console.add(as_text(ByteView(piece).first(*count)), state->loop.timers().now());
    for (const auto& line : lines) log::info("enclave.console", {{"enclave", state->instance.id()}, {"line", line}});
  }
}

// Without its NSM an enclave can prove nothing any more; hardware has no such state.
Task<void> follow_nsm(StatePtr state) {
  static_cast<void>(co_await net::wait_readable(state->loop, state->nsm->process().get()));
  // An enclave that ends takes its channel, and so its NSM, along; its own end is told a moment later.
  if (!state->ended) co_await state->loop.timers().sleep(kEndTold);
  if (state->ended || state->stopping || state->end_told) co_return;
  log::warning("enclave.nsm_lost", {{"enclave", state->instance.id()}});
  state->exit.cause = Cause::nsm_lost;
  state->control->close();
}

// The enclave owns the folder: what lies at `v` may be anything. Only a socket of its own is dialled, by what was looked at.
Result<Fd> find_socket(int folder) {
  open_how how{};
  how.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  Fd socket(static_cast<int>(::syscall(SYS_openat2, folder, "v", &how, sizeof how)));
  struct stat status {};
  const bool found = socket && ::fstat(socket.get(), &status) == 0;
  if (!CAGES_CHECK("DRIVER_SOCKET", found && S_ISSOCK(status.st_mode))) {
    return fail(Code::UNREACHABLE, "enclave", "a socket at /cage/v/v", found ? "something else" : "nothing");
  }
  return socket;
}

Task<Result<void>> ask_for_port(net::Stream& stream, std::uint32_t port) {
  const std::string question = "CONNECT " + std::to_string(port) + "\n";
  CO_TRY(co_await stream.write_all(as_bytes(question)));
  std::string answer;
  while (!answer.ends_with('\n')) {
    if (answer.size() >= kAnswerBytesMax) co_return fail(Code::LIMIT, "answer to CONNECT");
    // Byte by byte: what follows is not ours to read.
    Byte byte = 0;
    CO_TRY(co_await net::read_exact(stream, {&byte, 1}));
    answer.push_back(static_cast<char>(byte));
  }
  if (!answer.starts_with("OK ")) co_return fail(Code::UNREACHABLE, "port " + std::to_string(port), "OK", printable(answer));
  co_return Result<void>{};
}

}  // namespace

ProcessState::~ProcessState() { end(); }

void ProcessState::end() {
  if (ended) return;
  ended = true;
  if (launched) {
    static_cast<void>(::syscall(SYS_pidfd_send_signal, launched->process.get(), SIGKILL, nullptr, 0));
    reap(*launched);
  }
  nsm.reset();
  listeners.clear();
  instance.remove();
  exit.last_words = console.tail(kLastWordsBytes);
  changed.notify();
}

ProcessEnclave::~ProcessEnclave() {
  state_->control->close();
  state_->console_stream->close();
  state_->end();
}

void ProcessEnclave::watch() {
  state_->loop.spawn("enclave.control", follow_control(state_));
  state_->loop.spawn("enclave.console", follow_console(state_));
  state_->loop.spawn("enclave.nsm", follow_nsm(state_));
}

Task<Result<net::StreamPtr>> ProcessEnclave::connect(std::uint32_t port) {
  const StatePtr state = state_;
  if (state->ended) co_return fail(Code::UNREACHABLE, "enclave", "a running enclave", "it has ended");
  CO_TRY_ASSIGN(const Fd socket, find_socket(state->handover.folder.get()));
  CO_TRY_ASSIGN(net::StreamPtr stream, co_await net::dial_unix(state->loop, "/proc/self/fd/" + std::to_string(socket.get())));
  net::Deadline deadline(state->loop.timers(), *stream, kConnectTime);
  CO_TRY(co_await ask_for_port(*stream, port));
  deadline.clear();
  co_return stream;
}

Result<net::ListenerPtr> ProcessEnclave::accept(std::uint32_t port) {
  const auto found = state_->listeners.find(port);
  if (found == state_->listeners.end()) return fail(Code::NOT_FOUND, "port " + std::to_string(port));
  net::ListenerPtr listener = std::move(found->second);
  state_->listeners.erase(found);
  return listener;
}

Usage ProcessEnclave::usage() const { return state_->cgroup ? state_->cgroup->usage() : Usage{}; }

std::string ProcessEnclave::console() const { return state_->console.tail(limits::kConsoleBytesKept); }

Task<Exit> ProcessEnclave::wait() {
  const StatePtr state = state_;
  while (!state->ended) co_await state->changed.wait();
  co_return state->exit;
}

Task<void> ProcessEnclave::stop(Nanoseconds grace) {
  const StatePtr state = state_;
  if (state->ended) co_return;
  state->stopping = true;
  const Byte term = 't';
  const Nanoseconds until = state->loop.timers().now() + grace;
  constexpr std::chrono::milliseconds kLook{20};
  // Said again: the kernel drops what comes to an init that has not yet said that it listens.
  constexpr std::chrono::seconds kAgain{1};
  Nanoseconds say = state->loop.timers().now();
  do {
    if (state->loop.timers().now() >= say) {
      static_cast<void>(co_await state->control->write_all({&term, 1}));
      say += kAgain;
    }
    co_await state->loop.timers().sleep(kLook);
  } while (!state->ended && state->loop.timers().now() < until);
  // The warden reports the end that this makes, and its own.
  const Byte kill = 'k';
  if (!state->ended) static_cast<void>(co_await state->control->write_all({&kill, 1}));
  while (!state->ended) co_await state->changed.wait();
}

}  // namespace cages::drivers
