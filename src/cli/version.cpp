// SPDX-License-Identifier: Apache-2.0
#include "cli/verb.h"

#ifndef CAGES_VERSION
#error "CAGES_VERSION comes from CMake"
#endif

namespace cages::cli {
namespace {

class Version final : public Verb {
 public:
  [[nodiscard]] std::string_view name() const override { return "version"; }
  [[nodiscard]] std::string_view summary() const override { return "print the version"; }
  void declare(Options&) override {}
  Result<int> run(Terminal& terminal) override {
    terminal.result(Json::object({{"version", CAGES_VERSION}}), "cage " CAGES_VERSION "\n");
    return 0;
  }
};

}  // namespace

std::unique_ptr<Verb> make_version() { return std::make_unique<Version>(); }

}  // namespace cages::cli
