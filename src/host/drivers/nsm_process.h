// SPDX-License-Identifier: Apache-2.0
// NsmProcess: one cage-nsm for one enclave, which gets the other end of its channel. It ends when that end closes. For the
// process driver.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

#include "base/file.h"
#include "eif/types.h"

namespace cages::drivers {

struct NsmPlan {
  std::filesystem::path program;
  std::filesystem::path state;
  std::string module_id;
  std::string instance_id;  // PCR4
  std::string role_arn;     // PCR3
  uid_t uid = 0;            // what it becomes once it has read its root; 0: stays who it is
};

// platform_pcr: SHA384(0^48 || text), zeros for an empty text (nitro.md §1.4: PCR3 and PCR4).
crypto::Digest384 platform_pcr(std::string_view text);

// nsm_arguments: cage-nsm's command line, for the channel at descriptor `channel`.
std::vector<std::string> nsm_arguments(const NsmPlan& plan, const eif::Measurements& pcrs, int channel);

class NsmProcess {
 public:
  // start: DRIVER_NSM where the program is not there. Whether it works shows in the enclave's first request.
  static Result<NsmProcess> start(const NsmPlan& plan, const eif::Measurements& pcrs, Fd channel);
  ~NsmProcess();  // ends it
  NsmProcess(NsmProcess&& other) noexcept : process_(std::move(other.process_)) {}
  NsmProcess& operator=(NsmProcess&&) = delete;
  // readable when it has ended.
  [[nodiscard]] const Fd& process() const { return process_; }

 private:
  explicit NsmProcess(Fd process) : process_(std::move(process)) {}
  Fd process_;
};

}  // namespace cages::drivers
