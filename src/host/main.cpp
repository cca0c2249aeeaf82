// SPDX-License-Identifier: Apache-2.0
// cage-host: the trusted process outside the enclaves. `cage-host warden` is how it starts a warden; nobody else calls it so.
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/text.h"
#include "host/config.h"
#include "host/drivers/warden.h"
#include "host/run_enclave.h"
#include "host/serve.h"

namespace cages::host {
namespace {

constexpr std::string_view kUsage =
    "usage: cage-host serve [--config FILE] [--development] [--enrol-file FILE]\n"
    "       cage-host enrol [--config FILE] --enrol-file FILE\n"
    "       cage-host enclave IMAGE [--run DIR] [--nsm-state DIR] [--nsm PROGRAM] [--id ID] [--instance-id ID]\n"
    "                         [--memory-mib N] [--processes N] [--cpus N] [--port N …] [--json]\n"
    "\n"
    "serve runs the enclaves that the platform assigned to this host; enrol makes the host known to it.\n"
    "  --config FILE   default /etc/cages/host.toml\n"
    "  --development   this machine runs the platform too: cages may share its kernel\n"
    "  --enrol-file FILE  holds the one-time code that the platform gave for this host (never an argument: those are\n"
    "                  everybody's to read)\n"
    "enclave runs one image under the process driver until it ends or SIGTERM comes, with no platform: its heartbeat is\n"
    "answered, other ports take what comes and drop it. For trying images and drivers.\n";

struct Words {
  std::string config = (system_folder(SystemFolder::config) / "host.toml").native();
  std::string enrol;
  bool development = false;
};

Result<Words> parse_words(std::span<const std::string_view> words) {
  Words out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--development") {
      out.development = true;
      continue;
    }
    std::string* const into = words[i] == "--config" ? &out.config : words[i] == "--enrol-file" ? &out.enrol : nullptr;
    if (into == nullptr || i + 1 == words.size()) return fail(Code::USAGE, printable(words[i]), "an option that --help names", "another");
    *into = std::string(words[++i]);
  }
  return out;
}

Result<int> run(std::span<const std::string_view> words) {
  if (words.empty() || words[0] == "--help" || words[0] == "help") {
    std::cerr << kUsage;
    return words.empty() ? static_cast<int>(Kind::usage) : 0;
  }
  if (words[0] == "enclave") {
    TRY_ASSIGN(const RunOptions options, parse_run_options(words.subspan(1)));
    return run_enclave(options);
  }
  if (words[0] != "serve" && words[0] != "enrol") return fail(Code::USAGE, printable(words[0]), "serve, enrol or enclave", "");
  TRY_ASSIGN(const Words chosen, parse_words(words.subspan(1)));
  TRY_ASSIGN(HostConfig config, read_host_config(chosen.config));
  config.development = chosen.development;
  std::string code;
  if (!chosen.enrol.empty()) {
    TRY_ASSIGN(const Bytes text, read_file(chosen.enrol, 1024));
    code = trim(as_text(text));
  }
  if (words[0] == "serve") return serve(std::move(config), code);
  if (code.empty()) return fail(Code::USAGE, "--enrol-file", "a file with a code", "none");
  return enrol_host(config, code);
}

}  // namespace
}  // namespace cages::host

int main(int argc, char** argv) {
  using namespace cages;
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  if (!arguments.empty() && arguments[0] == drivers::kWardenWord) return drivers::run_warden();
  log::start("cage-host");
  const auto code = host::run(arguments);
  if (code) return *code;
  std::cerr << "cage-host: " << describe(code.error()) << "\n";
  return exit_code(code.error());
}
