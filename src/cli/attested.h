// SPDX-License-Identifier: Apache-2.0
// What `cage attest` and `cage curl` share: the options that say whom to connect to and what to demand, and connecting.
#pragma once

#include <string>
#include <vector>

#include "cli/url.h"
#include "cli/verb.h"
#include "client/connect.h"

namespace cages::cli {

class AttestedOptions {
 public:
  void declare(Options& options);
  // resolve reads the files named (or, in a project's folder, what `cage build` and `cage dev` left there) into what a client
  // needs. USAGE, POLICY_*, MEASUREMENTS, PEM, JSON or IO.
  struct Resolved {
    Url url;
    client::Target target;
    client::Settings settings;
    bool development = false;  // a root that proves no hardware is trusted
  };
  [[nodiscard]] Result<Resolved> resolve() const;

 private:
  Result<void> resolve_policy(client::Settings& into) const;
  Result<void> resolve_dial(const Url& url, client::Target& into) const;
  Result<void> resolve_trust(const Url& url, Resolved& into) const;

  std::string url_;
  std::string policy_;
  std::vector<std::string> measurements_;
  std::string release_;
  std::string release_key_;
  std::vector<std::string> roots_;
  std::string cacert_;
  std::string identity_;
  std::string binding_ = "session";
  std::vector<std::string> resolve_;
  std::string project_ = ".";
};

}  // namespace cages::cli
