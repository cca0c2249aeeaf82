// SPDX-License-Identifier: Apache-2.0
// What a host or an operator tries on the runtime: words on the kernel's command line, secrets in the app's environment, a grant
// for somebody else.
#include "attacks/attack.h"
#include "runtime/app/spec.h"
#include "runtime/boot/cmdline.h"
#include "runtime/boot/provision.h"
#include "support/pki.h"

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

// A platform that keeps the key of the cage's intermediate would sign leaves of its own.
std::string intermediate_for_another_key(bool ours) {
  const WallTime now = from_unix_seconds(1'767'225'600);
  const test::Issued platform = test::authority("platform", now);
  const test::Issued intermediate = test::leaf(platform, "platform", {"cage.localhost"}, now);
  const crypto::PrivateKey own = crypto::PrivateKey::generate(crypto::Curve::p256).value();
  std::vector<crypto::Certificate> chain;
  chain.push_back(crypto::Certificate::from_der(intermediate.certificate.der()).value());
  chain.push_back(crypto::Certificate::from_der(platform.certificate.der()).value());
  const crypto::PrivateKey& ca = ours ? intermediate.key : own;
  return class_of(runtime::check_granted_chain(chain, ca.public_key(), now));
}

std::vector<Attack> grants() {
  return {{"intermediate_for_another_key", "CERTIFICATE", [] { return intermediate_for_another_key(false); }}};
}

TEST(Honest, TheCagesOwnIntermediateIsTaken) { EXPECT_EQ(intermediate_for_another_key(true), ""); }

TEST_P(Attempt, IsRefusedByOneCheck) { EXPECT_EQ(GetParam().attempt(), GetParam().refused_as); }
INSTANTIATE_TEST_SUITE_P(CommandLine, Attempt, testing::ValuesIn(command_lines()), attack_name);
INSTANTIATE_TEST_SUITE_P(Grant, Attempt, testing::ValuesIn(grants()), attack_name);
INSTANTIATE_TEST_SUITE_P(Secret, Attempt, testing::ValuesIn(secrets()), attack_name);

}  // namespace
}  // namespace cages::attacks
