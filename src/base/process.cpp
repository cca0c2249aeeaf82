// SPDX-License-Identifier: Apache-2.0
#include "base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <thread>

#include "base/text.h"

namespace cages {
namespace {

using Time = std::chrono::steady_clock;
constexpr int kExecFailed = 127;

int status_of(int raw) { return WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw); }

std::vector<std::string> merged_environment(const std::vector<std::string>& changes) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::string_view name = text.substr(0, text.find('=') + 1);
    bool replaced = false;
    for (const std::string& change : changes) replaced = replaced || change.starts_with(name);
    if (!replaced) all.emplace_back(text);
  }
  all.insert(all.end(), changes.begin(), changes.end());
  return all;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> list;
  list.reserve(texts.size() + 1);
  for (const std::string& text : texts) list.push_back(const_cast<char*>(text.c_str()));
  list.push_back(nullptr);
  return list;
}

// Only async-signal-safe calls between fork and exec.
[[noreturn]] void become(const char* program, char* const* argv, char* const* environment, const char* folder, int out,
                         int err, bool own_group, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(kExecFailed);  // race: the parent died before the line above
  if (own_group) ::setpgid(0, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  ::dup2(null, STDIN_FILENO);
  ::dup2(out >= 0 ? out : null, STDOUT_FILENO);
  ::dup2(err >= 0 ? err : null, STDERR_FILENO);
  if (*folder == '\0' || ::chdir(folder) == 0) ::execve(program, argv, environment);
  ::_exit(kExecFailed);
}

Result<pid_t> launch(const Command& command, int out, int err) {
  if (command.argv.empty()) return fail(Code::INTERNAL, "a command without words");
  const auto program = find_program(command.argv[0]);
  if (!program) return fail(Code::NOT_FOUND, command.argv[0], "a program on PATH", "none");
  const auto environment = merged_environment(command.environment);
  const auto argv = pointers(command.argv);
  const auto envp = pointers(environment);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return fail(errno_error("fork", errno));
  if (pid == 0) become(program->c_str(), argv.data(), envp.data(), command.folder.c_str(), out, err, command.own_group, parent);
  return pid;
}

// Reads both pipes to their ends, or until `deadline`: false then.
bool drain(std::array<Fd, 2>& pipes, std::array<Bytes*, 2> into, std::size_t bytes_max, Time::time_point deadline) {
  std::array<Byte, 16384> buffer;
  while (pipes[0] || pipes[1]) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Time::now()).count();
    if (left <= 0) return false;
    std::array<pollfd, 2> waits{{{pipes[0].get(), POLLIN, 0}, {pipes[1].get(), POLLIN, 0}}};
    const auto wait_ms = static_cast<int>(std::min<long long>(left, 60'000));
    if (::poll(waits.data(), waits.size(), wait_ms) < 0 && errno != EINTR) return false;
    for (std::size_t i = 0; i < 2; ++i) {
      if (!pipes[i] || waits[i].revents == 0) continue;
      const ssize_t n = ::read(pipes[i].get(), buffer.data(), buffer.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) {
        pipes[i].reset();
        continue;
      }
      const std::size_t room = bytes_max - std::min(bytes_max, into[i]->size());
      append(*into[i], ByteView(buffer).first(std::min(static_cast<std::size_t>(n), room)));
    }
  }
  return true;
}

}  // namespace

std::optional<std::filesystem::path> find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) {
    return ::access(name.c_str(), X_OK) == 0 ? std::optional<std::filesystem::path>(name) : std::nullopt;
  }
  const char* path = std::getenv("PATH");
  for (const std::string_view folder : split(path == nullptr ? "/usr/bin:/bin" : path, ':')) {
    auto candidate = std::filesystem::path(folder) / name;
    if (!folder.empty() && ::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return std::nullopt;
}

Result<Outcome> run(const Command& command, std::size_t bytes_max, std::chrono::milliseconds time_max) {
  std::array<Fd, 2> readers;
  std::array<Fd, 2> writers;
  for (std::size_t i = 0; i < 2; ++i) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(errno_error("pipe", errno));
    readers[i].reset(ends[0]);
    writers[i].reset(ends[1]);
  }
  TRY_ASSIGN(Child child, Child::start(command, writers[0].get(), writers[1].get()));
  writers[0].reset();
  writers[1].reset();
  Outcome outcome;
  if (!drain(readers, {&outcome.out, &outcome.err}, bytes_max, Time::now() + time_max)) {
    child.stop(std::chrono::milliseconds(0));
    return fail(Code::TIMEOUT, command.argv[0], std::to_string(time_max.count()) + " ms", "more");
  }
  outcome.status = child.wait();
  return outcome;
}

Result<Child> Child::start(const Command& command, int out, int err) {
  TRY_ASSIGN(const pid_t pid, launch(command, out, err));
  return Child(pid);
}

Child::~Child() {
  if (pid_ > 0) stop(std::chrono::milliseconds(0));
}

Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) {
    if (pid_ > 0) stop(std::chrono::milliseconds(0));
    pid_ = std::exchange(other.pid_, -1);
    status_ = other.status_;
  }
  return *this;
}

std::optional<int> Child::ended() {
  if (status_ || pid_ <= 0) return status_;
  int raw = 0;
  if (::waitpid(pid_, &raw, WNOHANG) == pid_) status_ = status_of(raw);
  return status_;
}

int Child::wait() {
  int raw = 0;
  while (pid_ > 0 && !status_) {
    if (::waitpid(pid_, &raw, 0) == pid_) status_ = status_of(raw);
  }
  pid_ = -1;
  return status_.value_or(0);
}

int Child::stop(std::chrono::milliseconds grace) {
  if (pid_ <= 0) return status_.value_or(0);
  if (!ended()) ::kill(pid_, grace.count() > 0 ? SIGTERM : SIGKILL);
  const auto deadline = Time::now() + grace;
  for (auto pause = std::chrono::milliseconds(1); !ended(); pause = std::min(2 * pause, std::chrono::milliseconds(20))) {
    if (Time::now() >= deadline) {
      ::kill(pid_, SIGKILL);
      return wait();
    }
    std::this_thread::sleep_for(pause);
  }
  pid_ = -1;
  return status_.value_or(0);
}

}  // namespace cages
