// SPDX-License-Identifier: Apache-2.0
// caged: the platform. Two ports: hosts (mTLS) and the API; everything it keeps lies in one folder.
#include <csignal>
#include <iostream>
#include <string_view>

#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/paths.h"
#include "net/signals.h"
#include "server/api/caged.h"

namespace {

using namespace cages;
using namespace cages::server;

constexpr std::string_view kUsage =
    "caged [--config FILE]            serve as FILE says (default /etc/cages/caged.toml)\n"
    "caged --development              serve this developer's software NSM, state below XDG_STATE_HOME/cages\n"
    "caged [--config FILE] --new-api-key NAME   print a new API key and end\n";

struct Arguments {
  bool help = false;
  bool development = false;
  std::filesystem::path config = system_folder(SystemFolder::config) / "caged.toml";
  std::string new_api_key;
};

Result<Arguments> read_arguments(int argc, char** argv) {
  Arguments out;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const bool has_value = i + 1 < argc;
    if (word == "--help") {
      out.help = true;
    } else if (word == "--development") {
      out.development = true;
    } else if (word == "--config" && has_value) {
      out.config = argv[++i];
    } else if (word == "--new-api-key" && has_value) {
      out.new_api_key = argv[++i];
    } else {
      return fail(Code::USAGE, printable(word));
    }
  }
  return out;
}

Result<Config> read_config(const Arguments& arguments) {
  if (arguments.development) {
    TRY_ASSIGN(const std::filesystem::path state, user_folder(UserFolder::state));
    return development_config(state / "caged", state / "nsm" / "root.pem");
  }
  TRY_ASSIGN(const Bytes text, read_file(arguments.config, limits::kCagedConfigBytesMax));
  return parse_config(as_text(text));
}

Task<void> stop_on_signal(net::EventLoop& loop, net::Signals& signals) {
  co_await signals.next();
  log::info("caged.stopping");
  loop.stop();
}

Result<int> run(const Arguments& arguments) {
  TRY_ASSIGN(Config config, read_config(arguments));
  net::EventLoop loop;
  crypto::SystemRandom random;
  TRY_ASSIGN(const std::unique_ptr<Caged> caged, Caged::open(std::move(config), attest::production_root(), loop, random));
  if (!arguments.new_api_key.empty()) {
    TRY_ASSIGN(const Secret key, new_api_key(caged->store(), random, arguments.new_api_key));
    std::cout << as_text(key.reveal()) << '\n';  // secret: shown once, to the operator who asked
    return 0;
  }
  net::Signals signals(loop, {SIGTERM, SIGINT});
  loop.spawn("caged.signals", stop_on_signal(loop, signals));
  const auto outcome = loop.run(caged->serve());
  if (outcome && !*outcome) return fail(outcome->error());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  log::start("caged");
  const auto arguments = read_arguments(argc, argv);
  if (arguments && arguments->help) {
    std::cout << kUsage;
    return 0;
  }
  const auto outcome = arguments ? run(*arguments) : Result<int>(fail(arguments.error()));
  if (outcome) return *outcome;
  log::error("caged.failed", outcome.error());
  std::cerr << describe(outcome.error()) << '\n';
  return exit_code(outcome.error());
}
