// SPDX-License-Identifier: Apache-2.0
// cage revoke: ends the leases of a version for good (design §4.7).
#include "cli/api_client.h"
#include "cli/verb.h"

namespace cages::cli {
namespace {

class Revoke final : public Verb {
 public:
  [[nodiscard]] std::string_view name() const override { return "revoke"; }
  [[nodiscard]] std::string_view summary() const override { return "end a version's leases for good"; }
  void declare(Options& options) override {
    options.option("--app", app_, "the app's id or name")
        .option("--url", url_, "where caged is (CAGE_URL)")
        .option("--ca", ca_, "PEM file of the authority that certified it")
        .positional("version", version_, "which version");
  }
  Result<int> run(Terminal& terminal) override {
    TRY_ASSIGN(const ApiEndpoint endpoint, find_endpoint(url_, ca_));
    TRY_ASSIGN(const std::string app, path_word(app_, "--app"));
    TRY_ASSIGN(const std::string version, path_word(version_, "version"));
    TRY_ASSIGN(const Json answer, call(endpoint, "POST", "/v1/apps/" + app + "/versions/" + version + "/revoke", {}));
    terminal.result(answer, "version " + version + " is revoked: it is granted nothing any more\n");
    return 0;
  }

 private:
  std::string app_;
  std::string version_;
  std::string url_;
  std::string ca_;
};

}  // namespace

std::unique_ptr<Verb> make_revoke() { return std::make_unique<Revoke>(); }

}  // namespace cages::cli
