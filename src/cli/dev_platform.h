// SPDX-License-Identifier: Apache-2.0
// DevPlatform: a whole platform for one developer: caged and cage-host as programs of their own, on free ports, with their
// state in one folder of this project. For `cage dev`. Everything it starts ends with it, however it ends.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/process.h"
#include "cli/api_client.h"
#include "wire/manifest.h"

namespace cages::cli {

// Where cage-host listens, as it says once it does.
struct HostPorts {
  std::uint16_t ingress = 0;
  std::uint16_t metrics = 0;
};

class DevPlatform {
 public:
  // start runs caged and waits until it serves. `state`: this project's folder for it (dev_state_folder). MACHINE where a
  // program is missing or ended at once; its last words are in the error.
  static Result<DevPlatform> start(const std::filesystem::path& state);

  // roots: the hashes of the platform root, for the manifest.
  [[nodiscard]] const std::vector<wire::RootHash>& roots() const { return roots_; }
  [[nodiscard]] const std::string& nsm_root() const { return nsm_root_; }  // PEM
  // evidence_class and ca: of what runs under this developer's software NSM.
  [[nodiscard]] const std::string& evidence_class() const { return class_; }
  Result<std::string> cages_ca();
  [[nodiscard]] const std::filesystem::path& state() const { return state_; }

  // make_app makes the app called `name` where there is none.
  Result<void> make_app(const std::string& name);
  // missing_secrets returns those of `names` that have no value for what runs here.
  Result<std::vector<std::string>> missing_secrets(const std::string& app, const std::vector<wire::SecretName>& names);
  // deploy uploads the image as the next version of the app and returns the deployment as the platform has it.
  Result<Json> deploy(const std::string& name, const std::filesystem::path& eif);
  // release_before drains what older versions of this app still run or would.
  Result<void> release_before(const std::string& app, std::int64_t version);
  // deployment returns the newest state of a version.
  Result<Json> deployment(const std::string& app, std::int64_t version);
  // start_host enrols this machine where it is not yet, runs cage-host, and waits until it serves. `ranges`: host.toml's
  // [egress] allow_ranges.
  Result<HostPorts> start_host(const std::vector<std::string>& ranges);
  // journal: the boot journal of the deployment's enclave as the host tells it; null where it has none yet.
  Json journal(const HostPorts& ports, const std::string& deployment);

  // ended: which program ended by itself, with its last words; nothing while all run.
  std::optional<std::string> ended();
  // stop ends everything, last started first.
  void stop();
  // new_log_lines returns what cage-host wrote since the last call.
  std::vector<std::string> new_log_lines();
  // pids for dev.json.
  [[nodiscard]] Json pids() const;

 private:
  Result<Json::Array> deployments(const std::string& app);
  struct Program {
    std::string name;
    Child child;
    std::filesystem::path log;
  };
  explicit DevPlatform(std::filesystem::path state) : state_(std::move(state)) {}
  // Where the programs find what is theirs: they run with CAGE_STATE_DIR = state_.
  [[nodiscard]] std::filesystem::path home() const { return state_ / "state"; }
  Result<void> start_caged();
  Result<void> read_platform();
  Result<void> write_host_config(const std::filesystem::path& run, const std::vector<std::string>& ranges);
  Result<void> run(const std::string& name, std::vector<std::string> arguments);
  Result<Json> wait_for(const std::filesystem::path& file, const std::string& program);
  std::string last_words(const Program& program) const;

  std::filesystem::path state_;
  ApiEndpoint endpoint_;
  std::vector<wire::RootHash> roots_;
  std::string nsm_root_;
  std::string class_;
  std::vector<Program> programs_;
  std::uint64_t log_position_ = 0;
};

}  // namespace cages::cli
