// SPDX-License-Identifier: Apache-2.0
// AppVerb: a verb that speaks to the platform about one app. For the verbs of the engine.
#pragma once

#include "cli/api_client.h"
#include "cli/verb.h"

namespace cages::cli {

class AppVerb : public Verb {
 public:
  void declare(Options& options) override {
    options.option("--app", app_, "the app's id or name")
        .option("--url", url_, "where caged is (CAGE_URL)")
        .option("--ca", ca_, "PEM file of the authority that certified it");
  }

 protected:
  // call_app sends a request under /v1/apps/APP.
  Result<Json> call_app(std::string_view method, std::string_view path, ByteView body = {}) const {
    TRY_ASSIGN(const ApiEndpoint endpoint, find_endpoint(url_, ca_));
    TRY_ASSIGN(const std::string app, path_word(app_, "--app"));
    return call(endpoint, method, "/v1/apps/" + app + std::string(path), body);
  }
  // read_input returns the JSON of `file`, or of standard input where that is empty or "-".
  static Result<Json> read_input(const std::string& file, Terminal& terminal);

 private:
  std::string app_;
  std::string url_;
  std::string ca_;
};

}  // namespace cages::cli
