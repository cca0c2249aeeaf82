// SPDX-License-Identifier: Apache-2.0
// The process driver: enclaves as processes in namespaces, on the host's own kernel, with the software NSM. For laptops
// and CI; proves nothing about hardware (design §3). Every NSM document of such an enclave says so by its root.
#pragma once

#include <string>

#include "host/drivers/driver.h"
#include "host/drivers/instance.h"
#include "machine/cgroups.h"
#include "machine/identity.h"
#include "net/event_loop.h"

namespace cages::drivers {

struct ProcessOptions {
  std::filesystem::path run;          // RUN
  std::filesystem::path nsm_program;  // cage-nsm
  std::filesystem::path nsm_state;    // where it keeps this developer's root
  std::string warden_program;         // empty: this process's own program
  bool fleet = false;                 // this host serves a platform
  bool shared_kernel = false;         // … and its own configuration allows the process driver all the same
};

class ProcessDriver final : public Driver {
 public:
  // open cleans up what dead instances left. DRIVER_SHARED_KERNEL where a fleet's host was not told that it may.
  // lifetime: `loop` outlives the driver and its enclaves; all are used from the loop's thread alone.
  static Result<std::unique_ptr<ProcessDriver>> open(net::EventLoop& loop, ProcessOptions options);

  [[nodiscard]] std::string_view name() const override { return "process"; }
  [[nodiscard]] std::string describe() const override;
  Task<Result<EnclavePtr>> start(StartOptions options) override;
  [[nodiscard]] const machine::Identity& identity() const { return identity_; }

 private:
  ProcessDriver(net::EventLoop& loop, ProcessOptions options, RunFolder run, machine::Identity identity,
                machine::Cgroups cgroups)
      : loop_(loop),
        options_(std::move(options)),
        run_(std::move(run)),
        identity_(std::move(identity)),
        cgroups_(std::move(cgroups)) {}
  net::EventLoop& loop_;
  ProcessOptions options_;
  RunFolder run_;
  machine::Identity identity_;
  machine::Cgroups cgroups_;
};

}  // namespace cages::drivers
