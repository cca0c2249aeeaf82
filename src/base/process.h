// SPDX-License-Identifier: Apache-2.0
// Programs started by ours: an argument list (never a shell), a chosen environment, output within a bound, and a death that
// takes them along. For the command line and the host. Not for what runs inside an enclave (runtime/app).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/file.h"
#include "base/result.h"

namespace cages {

struct Command {
  std::vector<std::string> argv;          // argv[0] is looked up on PATH where it has no slash
  std::vector<std::string> environment;   // "NAME=value", added to ours or replacing what ours has
  std::filesystem::path folder;           // working directory; empty = ours
  bool own_group = false;                 // a terminal's Ctrl-C is ours alone: we end it in our own order
};

struct Outcome {
  int status = 0;  // exit code, or 128 + signal
  Bytes out;
  Bytes err;
  [[nodiscard]] bool ok() const { return status == 0; }
};

// run waits for the command and returns what it wrote: the first `bytes_max` of each stream, the rest is read and dropped.
// NOT_FOUND where there is no such program; TIMEOUT (and the program killed) after `time_max`.
Result<Outcome> run(const Command& command, std::size_t bytes_max, std::chrono::milliseconds time_max);

// A program that runs beside ours. It gets SIGTERM when our process ends, however that ends. Move-only; the destructor
// stops it at once.
class Child {
 public:
  // start: standard output and error go to `out` and `err` (both /dev/null where -1); standard input is /dev/null.
  static Result<Child> start(const Command& command, int out, int err);
  ~Child();
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)), status_(other.status_) {}
  Child& operator=(Child&& other) noexcept;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  // ended returns the exit status once the program has ended, without waiting.
  std::optional<int> ended();
  // wait returns the exit status once the program has ended by itself.
  int wait();
  // stop sends SIGTERM, waits up to `grace`, then SIGKILL; returns the exit status.
  int stop(std::chrono::milliseconds grace);

 private:
  explicit Child(pid_t pid) : pid_(pid) {}
  pid_t pid_ = -1;
  std::optional<int> status_;
};

// find_program returns where `name` is on PATH, or none.
std::optional<std::filesystem::path> find_program(const std::string& name);

}  // namespace cages
