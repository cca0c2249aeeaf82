// SPDX-License-Identifier: Apache-2.0
#include "eif/describe.h"

#include "base/clock.h"
#include "cli/installed.h"
#include "cli/verb.h"

namespace cages::cli {
namespace {

class Describe final : public Verb {
 public:
  [[nodiscard]] std::string_view name() const override { return "describe"; }
  [[nodiscard]] std::string_view summary() const override {
    return "say what an enclave image (EIF) is, whoever made it";
  }
  void declare(Options& options) override {
    options.positional("FILE", file_, "the image")
        .option("--releases", releases_, "a runtime-releases.json instead of the installed one")
        .option("--releases-key", releases_key_, "PEM public key that must have signed it");
  }
  Result<int> run(Terminal& terminal) override {
    TRY_ASSIGN(const eif::RuntimeReleases releases, load_runtime_releases(releases_, releases_key_));
    TRY_ASSIGN(const eif::Description description, eif::describe_image(file_, SystemClock().wall()));
    const Json json = eif::description_json(description, releases);
    terminal.result(json, write_json(json, 2) + "\n");
    if (!terminal.json) {
      for (const std::string& note : description.notes) terminal.err << "note: " << note << "\n";
    }
    if (description.refused) return fail(*description.refused);
    return 0;
  }

 private:
  std::string file_;
  std::string releases_;
  std::string releases_key_;
};

}  // namespace

std::unique_ptr<Verb> make_describe() { return std::make_unique<Describe>(); }

}  // namespace cages::cli
