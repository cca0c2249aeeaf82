// SPDX-License-Identifier: Apache-2.0
// cage host enroll-code: a one-time code by which a machine becomes a host of this platform.
#include "cli/api_client.h"
#include "cli/verb.h"

namespace cages::cli {
namespace {

class HostEnrollCode final : public Verb {
 public:
  [[nodiscard]] std::string_view name() const override { return "host enroll-code"; }
  [[nodiscard]] std::string_view summary() const override { return "make a one-time code that enrols a host"; }
  void declare(Options& options) override {
    options.option("--pcr4", pcr4_, "SHA-384 of its instance id as the hypervisor measures it; needed for class nitro")
        .option("--pcr3", pcr3_, "the same of its IAM role")
        .option("--url", url_, "where caged is (CAGE_URL)")
        .option("--ca", ca_, "PEM file of the authority that certified it")
        .positional("name", name_, "what to call the host");
  }
  Result<int> run(Terminal& terminal) override {
    TRY_ASSIGN(const ApiEndpoint endpoint, find_endpoint(url_, ca_));
    Json body = Json::object({{"name", name_}});
    if (!pcr3_.empty()) body.set("pcr3", pcr3_);
    if (!pcr4_.empty()) body.set("pcr4", pcr4_);
    TRY_ASSIGN(const Json answer, call(endpoint, "POST", "/v1/enrolments", as_bytes(write_json(body))));
    terminal.result(answer, answer.text_or("code", "") + "\n");
    return 0;
  }

 private:
  std::string name_;
  std::string pcr3_;
  std::string pcr4_;
  std::string url_;
  std::string ca_;
};

}  // namespace

std::unique_ptr<Verb> make_host_enroll_code() { return std::make_unique<HostEnrollCode>(); }

}  // namespace cages::cli
