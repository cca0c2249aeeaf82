// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/file.h"
#include "cli/builder.h"
#include "cli/verb.h"
#include "machine/probe.h"

namespace cages::cli {
namespace {

// A builder that is installed need not work here (no daemon, no rights): each is made to build two lines until one has.
Result<Builder> working_builder() {
  std::error_code failed;
  std::string folder = (std::filesystem::temp_directory_path(failed) / "cage-doctor.XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return fail(errno_error(folder, errno));
  auto found = try_builders("", folder);
  std::filesystem::remove_all(folder, failed);
  return found;
}

void judge_builder(machine::Report& report) {
  const auto finding = std::ranges::find(report.findings, "builder", &machine::Finding::id);
  if (finding == report.findings.end() || finding->level != machine::Level::good) return;
  const auto works = working_builder();
  if (works) {
    finding->found = works->name() + " builds (installed: " + finding->found + ")";
    return;
  }
  finding->level = machine::Level::weaker;
  finding->found = "none that is installed builds a Dockerfile; ready images can be built:" + works.error().got;
  finding->next = "start the docker daemon, or install the package buildah";
}

class Doctor final : public Verb {
 public:
  [[nodiscard]] std::string_view name() const override { return "doctor"; }
  [[nodiscard]] std::string_view summary() const override { return "say what this machine has and lacks for cages"; }
  void declare(Options&) override {}
  Result<int> run(Terminal& terminal) override {
    std::error_code failed;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
    machine::Report report = machine::probe(self.parent_path());
    judge_builder(report);
    terminal.result(machine::to_json(report), machine::to_text(report));
    return report.usable() ? 0 : static_cast<int>(Kind::machine);
  }
};

}  // namespace

std::unique_ptr<Verb> make_doctor() { return std::make_unique<Doctor>(); }

}  // namespace cages::cli
