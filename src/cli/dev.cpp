// SPDX-License-Identifier: Apache-2.0
// cage dev: the whole of Cages on one machine for one project: builds, starts the platform, the host and the cage, says how to
// call it, shows what it logs, stops cleanly.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <iostream>
#include <thread>

#include "base/file.h"
#include "cli/build_cage.h"
#include "cli/dev_platform.h"
#include "cli/dev_watch.h"
#include "cli/init_project.h"
#include "eif/describe.h"

namespace cages::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto kReadyTime = 60s;
constexpr auto kPause = 50ms;
constexpr auto kWatchPause = 500ms;

std::atomic<int> stop_requested{0};
void on_signal(int number) { stop_requested = number; }

class Dev final : public Verb {
 public:
  [[nodiscard]] std::string_view name() const override { return "dev"; }
  [[nodiscard]] std::string_view summary() const override { return "run this folder's cage on this machine"; }
  void declare(Options& options) override {
    options.option("-C,--folder", folder_, "where the Dockerfile and cage.toml are (.)")
        .option("--builder", request_.builder, "docker, podman or buildah (the first that works)")
        .option("--runtime", request_.runtime, "the runtime (the installed one)")
        .option("--allow-range", ranges_, "a private range that the cage may reach beside public addresses, as 172.17.0.0/16")
        .flag("--watch", watch_, "build and start again when a file changes")
        .flag("-y,--yes", yes_, "write cage.toml without asking where there is none")
        .flag("--once", once_, "stop as soon as the cage is ready: to see whether it comes up");
  }
  Result<int> run(Terminal& terminal) override;

 private:
  struct Running {
    BuildResult built;
    std::string deployment;
    std::string app;
    std::int64_t version = 0;
    std::string host_name;
  };
  Result<void> offer_init(Terminal& terminal) const;
  Result<Running> deploy(DevPlatform& platform, Terminal& terminal);
  Result<void> wait_secrets(DevPlatform& platform, const wire::Manifest& manifest, Terminal& terminal) const;
  Result<void> wait_ready(DevPlatform& platform, const HostPorts& ports, const Running& running, Terminal& terminal);
  Result<void> write_dev_json(DevPlatform& platform, const HostPorts& ports, const Running& running) const;
  void announce(const HostPorts& ports, const Running& running, Terminal& terminal) const;
  Result<int> follow(DevPlatform& platform, const HostPorts& ports, Terminal& terminal);
  void show_logs(DevPlatform& platform, Terminal& terminal) const;

  std::string folder_ = ".";
  BuildRequest request_;
  std::vector<std::string> ranges_;
  bool watch_ = false;
  bool yes_ = false;
  bool once_ = false;
};

std::string url_of(const std::string& host, std::uint16_t port) {
  return "https://" + host + ":" + std::to_string(port) + "/";
}

// What the runtime says of an app that does not answer (which ports it listens on instead), or nothing.
std::string why_silent(const Json& journal) {
  const Json* entries = journal.find("entries");
  if (entries == nullptr || !entries->is_array()) return {};
  for (const Json& entry : *entries->as_array()) {
    if (entry.text_or("stage", "") == "app.healthy" && entry.text_or("code", "ok") != "ok") return entry.text_or("detail", "");
  }
  return {};
}

// Asks only where somebody can answer; without a terminal a missing cage.toml is written and said.
Result<void> Dev::offer_init(Terminal& terminal) const {
  const fs::path folder(folder_);
  if (fs::exists(folder / "cage.toml")) return {};
  if (!fs::exists(folder / "Dockerfile")) {
    return fail(Code::NOT_FOUND, folder_, "a Dockerfile or a cage.toml", "neither");
  }
  if (!yes_ && can_ask()) {
    terminal.err << "There is a Dockerfile and no cage.toml. Write one (cage init)? [Y/n] " << std::flush;
    std::string answer;
    std::getline(terminal.in, answer);
    if (!answer.empty() && answer[0] != 'y' && answer[0] != 'Y') return fail(Code::INTERRUPTED, "cage init");
  }
  InitRequest request;
  request.folder = folder;
  TRY_ASSIGN(const std::string name, init_project(request));
  terminal.err << "wrote cage.toml and cage.lock for \"" << name << "\"\n";
  return {};
}

Result<Dev::Running> Dev::deploy(DevPlatform& platform, Terminal& terminal) {
  BuildRequest request = request_;
  request.folder = folder_;
  request.roots = platform.roots();
  TRY_ASSIGN(BuildResult built, build_cage(request, terminal));
  for (const std::string& note : built.notes) terminal.err << "note: " << note << "\n";
  TRY(platform.make_app(built.manifest.name));
  TRY(wait_secrets(platform, built.manifest, terminal));
  TRY_ASSIGN(const Json deployment, platform.deploy(built.manifest.name, built.eif));
  Running running{std::move(built), deployment.text_or("id", ""), deployment.text_or("app", ""),
                  deployment.int_or("version", 0), ""};
  if (const Json* names = deployment.find("names"); names != nullptr && names->is_array() && !names->as_array()->empty()) {
    if (const std::string* first = names->as_array()->front().as_string()) running.host_name = *first;
  }
  return running;
}

// A cage is granted nothing while a secret that it asks for has no value. They are kept: it is asked once for each.
Result<void> Dev::wait_secrets(DevPlatform& platform, const wire::Manifest& manifest, Terminal& terminal) const {
  std::vector<std::string> told;
  while (stop_requested == 0) {
    if (const auto gone = platform.ended()) return fail(Code::MACHINE, "cage dev", "running programs", *gone);
    TRY_ASSIGN(const std::vector<std::string> missing, platform.missing_secrets(manifest.name, manifest.secrets));
    if (missing.empty()) return {};
    if (once_) return fail(Code::PROV_SECRET, missing.front(), "a value, by `cage secrets set`", "none");
    if (missing != told) {
      terminal.err << "waiting for secrets: set them from this folder in another terminal, the value on standard input:\n";
      for (const std::string& name : missing) terminal.err << "  cage secrets set --app " << manifest.name << " " << name << "\n";
      told = missing;
    }
    std::this_thread::sleep_for(kWatchPause);
  }
  return fail(Code::INTERRUPTED);
}

Result<void> Dev::wait_ready(DevPlatform& platform, const HostPorts& ports, const Running& running, Terminal& terminal) {
  const auto deadline = std::chrono::steady_clock::now() + kReadyTime;
  Json journal;
  bool told = false;
  while (std::chrono::steady_clock::now() < deadline && stop_requested == 0) {
    if (const auto gone = platform.ended()) return fail(Code::MACHINE, "cage dev", "running programs", *gone);
    show_logs(platform, terminal);
    TRY_ASSIGN(const Json deployment, platform.deployment(running.app, running.version));
    if (deployment.text_or("state", "") == "live") return {};
    journal = platform.journal(ports, running.deployment);
    if (const std::string silent = why_silent(journal); !silent.empty() && !told) {
      terminal.err << running.built.manifest.name << " does not answer yet: " << silent << "\n";
      told = true;
    }
    if (journal.text_or("state", "") == "failed") break;
    std::this_thread::sleep_for(kPause);
  }
  if (stop_requested != 0) return fail(Code::INTERRUPTED);
  return fail(Code::CAGE_NOT_READY, running.built.manifest.name, "a cage that gets ready", write_json(journal));
}

Result<void> Dev::write_dev_json(DevPlatform& platform, const HostPorts& ports, const Running& running) const {
  const fs::path folder = fs::path(folder_) / ".cage";
  TRY_ASSIGN(const std::string ca, platform.cages_ca());
  TRY(write_file(folder / "ca.pem", as_bytes(ca)));
  const Json dev = Json::object({{"url", url_of(running.host_name, ports.ingress)},
                                 {"host", running.host_name},
                                 {"port", std::int64_t{ports.ingress}},
                                 {"metrics", std::int64_t{ports.metrics}},
                                 {"deployment", running.deployment},
                                 {"class", platform.evidence_class()},
                                 {"root", platform.nsm_root()},
                                 {"state", platform.state().string()},
                                 {"pids", platform.pids()},
                                 {"Measurements", eif::measurements_json(running.built.measurements)}});
  return write_file(folder / "dev.json", as_bytes(write_json(dev, 2) + "\n"));
}

void Dev::announce(const HostPorts& ports, const Running& running, Terminal& terminal) const {
  const std::string url = url_of(running.host_name, ports.ingress);
  const auto& m = running.built.measurements;
  const Json json = Json::object({{"event", "ready"},
                                  {"url", url},
                                  {"Measurements", eif::measurements_json(m)},
                                  {"deployment", running.deployment},
                                  {"version", running.version}});
  const std::string text =
      "\n" + running.built.manifest.name + " is ready (development: software NSM, process driver)\n\n" +
      "  URL   " + url + "\n" +
      "  PCR0  " + hex(m.pcr0) + "\n  PCR1  " + hex(m.pcr1) + "\n  PCR2  " + hex(m.pcr2) + "\n\n" +
      "Try, from this folder:\n\n" +
      "  cage curl " + url + "\n" +
      "  curl --cacert .cage/ca.pem --resolve " + running.host_name + ":" + std::to_string(ports.ingress) +
      ":127.0.0.1 " + url + "\n\n" + (once_ ? "" : "Ctrl-C stops everything.\n\n");
  terminal.result(json, text);
}

void Dev::show_logs(DevPlatform& platform, Terminal& terminal) const {
  for (const std::string& line : platform.new_log_lines()) terminal.err << "| " << line << "\n";
}

Result<int> Dev::follow(DevPlatform& platform, const HostPorts& ports, Terminal& terminal) {
  std::uint64_t seen = snapshot(folder_);
  auto looked = std::chrono::steady_clock::now();
  while (stop_requested == 0) {
    if (const auto gone = platform.ended()) return fail(Code::MACHINE, "cage dev", "running programs", *gone);
    show_logs(platform, terminal);
    std::this_thread::sleep_for(kPause);
    if (!watch_ || std::chrono::steady_clock::now() - looked < kWatchPause) continue;
    looked = std::chrono::steady_clock::now();
    const std::uint64_t now = snapshot(folder_);
    if (now == seen) continue;
    seen = now;
    terminal.err << "a file changed: building again\n";
    auto running = deploy(platform, terminal);
    if (running) {
      auto ready = wait_ready(platform, ports, *running, terminal);
      if (ready) ready = write_dev_json(platform, ports, *running);
      if (ready) announce(ports, *running, terminal);
      if (!ready) running = fail(ready.error());
    }
    // A broken edit is told and waited out: what ran before goes on.
    if (!running) terminal.err << "cage: " << describe(running.error()) << "\n";
  }
  return 0;
}

Result<int> Dev::run(Terminal& terminal) {
  TRY(offer_init(terminal));
  struct sigaction action {};
  action.sa_handler = on_signal;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(number, &action, nullptr);
  TRY_ASSIGN(const fs::path state, dev_state_folder(folder_));
  TRY_ASSIGN(DevPlatform platform, DevPlatform::start(state));
  const auto serve = [&]() -> Result<int> {
    TRY_ASSIGN(const Running running, deploy(platform, terminal));
    // No host runs yet: what an earlier cage dev left assigned need not be started only to be drained.
    TRY(platform.release_before(running.app, running.version));
    TRY_ASSIGN(const HostPorts ports, platform.start_host(ranges_));
    TRY(wait_ready(platform, ports, running, terminal));
    TRY(write_dev_json(platform, ports, running));
    announce(ports, running, terminal);
    if (once_) return 0;
    return follow(platform, ports, terminal);
  };
  Result<int> outcome = serve();
  // A terminal's Ctrl-C stops a builder too; that it failed is not the news then.
  if (!outcome && stop_requested != 0) outcome = fail(Code::INTERRUPTED);
  std::error_code ignored;
  fs::remove(fs::path(folder_) / ".cage" / "dev.json", ignored);
  if (!once_) terminal.err << "stopping\n";
  platform.stop();
  return outcome;
}

}  // namespace

std::unique_ptr<Verb> make_dev() { return std::make_unique<Dev>(); }

}  // namespace cages::cli
