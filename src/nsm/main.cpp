// SPDX-License-Identifier: Apache-2.0
// cage-nsm: the software NSM of development enclaves, one process an enclave.
#include <cstdlib>
#include <iostream>
#include <vector>

#include "base/json.h"
#include "base/log.h"
#include "nsm/fence.h"
#include "nsm/module.h"
#include "nsm/options.h"
#include "nsm/serve.h"

namespace cages::nsm {
namespace {

Result<void> run(const HelpOptions&) {
  std::cout << kUsage;
  return {};
}

Result<void> run(const RootOptions& options) {
  const SystemClock clock;
  crypto::SystemRandom random;
  TRY_ASSIGN(const DevelopmentRoot root, DevelopmentRoot::open_or_create(options.state, clock, random));
  const std::string evidence = "development:" + root.fingerprint();
  if (options.json) {
    std::cout << write_json(Json::object({{"root", root.certificate().pem()},
                                          {"sha256", root.fingerprint()},
                                          {"evidence", evidence}}))
              << "\n";
  } else {
    std::cout << evidence << "\n" << root.certificate().pem();
  }
  return {};
}

Result<void> run(const ServeOptions& options) {
  TRY_ASSIGN(const Fd channel, take_channel(options.channel));
  const SystemClock clock;
  crypto::SystemRandom random;
  TRY_ASSIGN(DevelopmentRoot root, DevelopmentRoot::open_or_create(options.state, clock, random));
  const std::string fingerprint = root.fingerprint();
  Module module(options.pcrs, Authority(std::move(root), options.module, clock, random), clock, random);
  TRY(module.prepare());
  TRY(become(options.uid));
  TRY(enter_fence());
  log::info("nsm.serving", {{"module", options.module.text()}, {"evidence", "development:" + fingerprint}});
  return serve(channel.get(), module, options.latency);
}

}  // namespace
}  // namespace cages::nsm

int main(int argc, char** argv) {
  using namespace cages;
  log::start("cage-nsm");
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  auto options = nsm::parse_options(arguments);
  const Result<void> outcome = options ? std::visit([](const auto& chosen) { return nsm::run(chosen); }, *options)
                                       : Result<void>(fail(std::move(options).error()));
  if (outcome) return EXIT_SUCCESS;
  std::cerr << "cage-nsm: " << describe(outcome.error()) << "\n";
  return exit_code(outcome.error());
}
