// SPDX-License-Identifier: Apache-2.0
// DevelopmentPlatform: a TestPlatform whose evidence comes from a software NSM under a root of its own, as in
// development.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nsm/module.h"
#include "support/platform.h"

namespace cages::test {

class DevelopmentPlatform {
 public:
  DevelopmentPlatform() {
    nsm::DevelopmentRoot made = nsm::DevelopmentRoot::create(clock_, random_).value();
    root = attest::TrustRoot::development(made.certificate().der()).value();
    platform = std::make_unique<TestPlatform>(root->evidence_class(), true, std::vector{*root});
    const auto id = nsm::ModuleId::parse("i-0123456789abcdef0-enc0123456789abcdef").value();
    module = std::make_unique<nsm::Module>(
        platform_pcrs(), nsm::Authority(std::move(made), id, platform->clock, random_), platform->clock, random_);
    const auto identity = platform->keyring->development_provisioner().value();
    platform_root = crypto::key_hash(crypto::Certificate::from_der(identity.chain.back()).value().public_key());
  }

 private:
  static nsm::PlatformPcrs platform_pcrs() {
    const auto claims = TestAuthority(1'767'225'600).claims();
    nsm::PlatformPcrs out{};
    for (const auto& [index, value] : claims.pcrs) {
      if (index < out.size()) out.at(index) = value;
    }
    return out;
  }
  ManualClock clock_;
  crypto::SystemRandom random_;

 public:
  std::unique_ptr<TestPlatform> platform;
  std::unique_ptr<nsm::Module> module;    // of an enclave that runs the deployed image
  std::optional<attest::TrustRoot> root;  // what documents are signed under
  crypto::KeyHash platform_root{};
};

}  // namespace cages::test
