// SPDX-License-Identifier: Apache-2.0
#include "cli/build_cage.h"
#include "eif/describe.h"

namespace cages::cli {
namespace {

class BuildVerb final : public Verb {
 public:
  [[nodiscard]] std::string_view name() const override { return "build"; }
  [[nodiscard]] std::string_view summary() const override {
    return "build the cage of this folder into .cage/NAME.eif and print what it measures";
  }
  void declare(Options& options) override {
    options.option("-C,--folder", folder_, "where cage.toml is (.)")
        .option("--builder", request_.builder, "docker, podman or buildah (the first that works)")
        .option("--kernel", request_.kernel, "kernel image (cage.toml, else what is installed, else none)")
        .option("--runtime", request_.runtime, "the runtime (the installed one)")
        .option("--release-key", request_.release_key, "PEM key that signs .cage/release.json (`cage release-key new`)")
        .flag("--locked", request_.locked, "fail where the result is not the release that cage.lock records");
  }
  Result<int> run(Terminal& terminal) override {
    request_.folder = folder_;
    TRY_ASSIGN(const BuildResult built, build_cage(request_, terminal));
    if (!terminal.json) {
      for (const std::string& note : built.notes) terminal.err << "note: " << note << "\n";
    }
    terminal.result(json_of(built), text_of(built));
    return 0;
  }

 private:
  static Json json_of(const BuildResult& built) {
    Json::Array notes(built.notes.begin(), built.notes.end());
    return Json::object({{"eif", built.eif.string()},
                         {"bytes", built.eif_bytes},
                         {"Measurements", eif::measurements_json(built.measurements)},
                         {"signed", built.is_signed},
                         {"counter", built.lock.counter},
                         {"kernel", built.kernel_sha256},
                         {"runtime", built.runtime},
                         {"notes", std::move(notes)}});
  }

  static std::string text_of(const BuildResult& built) {
    const Json json = Json::object({{"Measurements", eif::measurements_json(built.measurements)}});
    return write_json(json, 2) + "\n" + built.eif.string() + "  " + std::to_string(built.eif_bytes) +
           " bytes, release " + std::to_string(built.lock.counter) + (built.is_signed ? ", signed" : ", not signed") +
           "\n";
  }

  std::string folder_ = ".";
  BuildRequest request_;
};

}  // namespace

std::unique_ptr<Verb> make_build() { return std::make_unique<BuildVerb>(); }

}  // namespace cages::cli
