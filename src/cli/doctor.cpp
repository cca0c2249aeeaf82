// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include "cli/verb.h"
#include "machine/probe.h"

namespace cages::cli {
namespace {

class Doctor final : public Verb {
 public:
  [[nodiscard]] std::string_view name() const override { return "doctor"; }
  [[nodiscard]] std::string_view summary() const override { return "say what this machine has and lacks for cages"; }
  void declare(Options&) override {}
  Result<int> run(Terminal& terminal) override {
    std::error_code failed;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
    const machine::Report report = machine::probe(self.parent_path());
    terminal.result(machine::to_json(report), machine::to_text(report));
    return report.usable() ? 0 : static_cast<int>(Kind::machine);
  }
};

}  // namespace

std::unique_ptr<Verb> make_doctor() { return std::make_unique<Doctor>(); }

}  // namespace cages::cli
