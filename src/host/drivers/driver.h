// SPDX-License-Identifier: Apache-2.0
// Driver: what starts an enclave from an EIF and carries its vsock ports, whatever isolates it. Enclave: one that runs.
// The rest of cage-host does not know which driver it has. Drivers: process.h.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "eif/types.h"
#include "host/drivers/cgroup.h"
#include "net/stream.h"

namespace cages::drivers {

struct StartOptions {
  std::filesystem::path image;  // the EIF
  std::string id;               // [a-z0-9-]{1,40}, unique in the run folder
  std::uint64_t memory_mib = 512;
  std::uint64_t processes_max = 1024;
  double cpus = 0;                   // 0: no limit
  std::string instance_id;           // "i-" and 17 hex digits: PCR4 and the first half of the module id
  std::string role_arn;              // PCR3; empty: zeros
  std::vector<std::uint32_t> ports;  // that the host listens on; accept() serves these alone
};

// One stage of the start, as the boot journal has it (interfaces, JOURNAL).
struct Stage {
  std::string name;
  std::uint64_t took_ns = 0;
  std::string detail;
};

enum class Cause : std::uint8_t { exited, killed, stopped, nsm_lost, lost };
std::string_view name_of(Cause cause);

struct Exit {
  Cause cause = Cause::lost;
  int code = 0;            // exit code where it exited, signal where it was killed
  std::string last_words;  // the end of what it wrote to its console, escaped
};

class Enclave {
 public:
  virtual ~Enclave() = default;  // ends it at once
  [[nodiscard]] virtual const std::string& id() const = 0;
  [[nodiscard]] virtual const std::string& module_id() const = 0;
  [[nodiscard]] virtual const eif::Measurements& measurements() const = 0;
  [[nodiscard]] virtual const std::vector<Stage>& stages() const = 0;
  // connect dials a vsock port of the enclave: UNREACHABLE where nobody listens, TIMEOUT where it does not answer.
  virtual Task<Result<net::StreamPtr>> connect(std::uint32_t port) = 0;
  // accept returns the host's listener on one of StartOptions::ports; each can be had once. NOT_FOUND else.
  virtual Result<net::ListenerPtr> accept(std::uint32_t port) = 0;
  [[nodiscard]] virtual Usage usage() const = 0;
  // console returns the last kConsoleBytesKept bytes it wrote, escaped. untrusted: it says what it likes.
  [[nodiscard]] virtual std::string console() const = 0;
  // wait returns when the enclave has ended and everything of it is gone. One waiter.
  virtual Task<Exit> wait() = 0;
  // stop asks PID 1 to end (SIGTERM) and ends it after `grace`. wait() tells when it is over.
  virtual Task<void> stop(Nanoseconds grace) = 0;
};
using EnclavePtr = std::unique_ptr<Enclave>;

class Driver {
 public:
  virtual ~Driver() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;  // "process"
  // describe says in one line how enclaves are isolated and limited here.
  [[nodiscard]] virtual std::string describe() const = 0;
  // start returns once the image is checked and /init runs. What an image can be refused for: eif/check.h,
  // image/cpio.h, DRIVER_*.
  virtual Task<Result<EnclavePtr>> start(StartOptions options) = 0;
};

}  // namespace cages::drivers
