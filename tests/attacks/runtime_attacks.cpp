// SPDX-License-Identifier: Apache-2.0
// What a host or an operator tries on the runtime: words on the kernel's command line, secrets in the app's environment.
#include "attacks/attack.h"
#include "runtime/app/spec.h"
#include "runtime/boot/cmdline.h"

namespace cages::attacks {
namespace {

const std::string kMeasured = "reboot=k panic=30 console=ttyS0";

std::string boot(std::string_view running) { return class_of(runtime::compare_cmdline(kMeasured, running)); }

std::vector<Attack> command_lines() {
  return {
      {"another_init", "CMDLINE", [] { return boot(kMeasured + " init=/bin/sh"); }},
      {"another_root", "CMDLINE", [] { return boot("root=/dev/vda " + kMeasured); }},
      {"a_dash", "CMDLINE", [] { return boot(kMeasured + " -- LD_PRELOAD=/x"); }},
      {"without_a_measured_word", "CMDLINE", [] { return boot("reboot=k console=ttyS0"); }},
      {"with_a_measured_word_changed", "CMDLINE", [] { return boot("reboot=k panic=0 console=ttyS0"); }},
      {"a_space_that_is_none", "CMDLINE", [] { return boot(kMeasured + " a\vinit=/x"); }},
  };
}

std::string secret_over_a_variable() {
  wire::Manifest manifest;
  manifest.name = "app";
  manifest.command = {"/app"};
  manifest.environment = {{"DATABASE", "measured"}};
  manifest.secrets = {{"DATABASE", wire::Delivery::environment}};
  std::vector<runtime::NamedSecret> granted;
  granted.push_back({"DATABASE", Secret::copy_of(as_bytes("the operator's"))});
  return class_of(runtime::make_spec(manifest, granted));
}

std::vector<Attack> secrets() { return {{"over_a_measured_variable", "SECRET_NAME", secret_over_a_variable}}; }

TEST_P(Attempt, IsRefusedByOneCheck) { EXPECT_EQ(GetParam().attempt(), GetParam().refused_as); }
INSTANTIATE_TEST_SUITE_P(CommandLine, Attempt, testing::ValuesIn(command_lines()), attack_name);
INSTANTIATE_TEST_SUITE_P(Secret, Attempt, testing::ValuesIn(secrets()), attack_name);

}  // namespace
}  // namespace cages::attacks
