// SPDX-License-Identifier: Apache-2.0
#include "cli/dev_platform.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <thread>

#include "base/file.h"
#include "base/limits.h"
#include "base/paths.h"
#include "cli/platform_facts.h"
#include "crypto/hash.h"
#include "http/client.h"
#include "net/event_loop.h"
#include "net/tcp.h"

namespace cages::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto kStartTime = 20s;
constexpr auto kStopTime = 10s;
constexpr auto kPause = 20ms;
constexpr std::size_t kSmallFileBytes = 64 * 1024;
constexpr std::size_t kLastWordsBytes = 2000;

// The programs lie beside this one, in a build tree and in an installation.
Result<fs::path> own_program(const std::string& name) {
  std::error_code failed;
  const fs::path here = fs::read_symlink("/proc/self/exe", failed).parent_path();
  if (!failed && ::access((here / name).c_str(), X_OK) == 0) return here / name;
  return fail(Code::MACHINE, name, "beside cage: " + (here / name).string(), "nothing there");
}

Result<void> make_private(const fs::path& folder) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) return fail(errno_error(folder.string(), failed.value()));
  fs::permissions(folder, fs::perms::owner_all, failed);
  return {};
}

std::string tail_of(const fs::path& log) {
  std::ifstream file(log, std::ios::binary | std::ios::ate);
  const auto size = static_cast<std::streamoff>(file.tellg());
  file.seekg(std::max<std::streamoff>(0, size - static_cast<std::streamoff>(kLastWordsBytes)));
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// What the host answers on loopback.
Task<Result<Json>> get_local(net::EventLoop& loop, std::uint16_t port, std::string path) {
  CO_TRY_ASSIGN(net::StreamPtr stream, co_await net::dial_tcp(loop, "127.0.0.1", port));
  http::Client client(loop.timers(), std::move(stream));
  http::RequestHead head;
  head.method = "GET";
  head.target = std::move(path);
  head.authority = "127.0.0.1:" + std::to_string(port);
  CO_TRY_ASSIGN(const http::WholeResponse answer, co_await client.request(std::move(head), Bytes(), limits::kJsonBytesMax));
  co_return parse_json(as_text(answer.body));
}

}  // namespace

Result<DevPlatform> DevPlatform::start(const fs::path& state) {
  DevPlatform platform(state);
  TRY(make_private(state));
  TRY_ASSIGN(const fs::path nsm, own_program("cage-nsm"));
  TRY(make_private(platform.home() / "nsm"));
  TRY_ASSIGN(const Outcome root, cages::run({{nsm.string(), "root", "--json", "--state", (platform.home() / "nsm").string()}, {}, {}},
                                            kSmallFileBytes, 10s));
  if (!root.ok()) return fail(Code::MACHINE, "cage-nsm", "a development root", printable(as_text(root.err), 400));
  TRY_ASSIGN(const Json described, parse_json(as_text(root.out)));
  platform.nsm_root_ = described.text_or("root", "");
  TRY(platform.start_caged());
  TRY(platform.read_platform());
  return platform;
}

Result<void> DevPlatform::run(const std::string& name, std::vector<std::string> arguments) {
  TRY_ASSIGN(const fs::path program, own_program(name));
  const fs::path log = state_ / (name + ".log");
  const Fd file(::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return fail(errno_error(log.string(), errno));
  arguments.insert(arguments.begin(), program.string());
  TRY_ASSIGN(Child child, Child::start({std::move(arguments), {"CAGE_STATE_DIR=" + state_.string()}, {}, true}, file.get(),
                                       file.get()));
  programs_.push_back({name, std::move(child), log});
  return {};
}

std::string DevPlatform::last_words(const Program& program) const {
  return program.name + " ended; its log (" + program.log.string() + ") ends: " + tail_of(program.log);
}

std::optional<std::string> DevPlatform::ended() {
  for (Program& program : programs_) {
    if (program.child.ended()) return last_words(program);
  }
  return std::nullopt;
}

// The programs write their ports last, so whoever finds the file finds everything else there.
Result<Json> DevPlatform::wait_for(const fs::path& file, const std::string& program) {
  const auto deadline = std::chrono::steady_clock::now() + kStartTime;
  while (std::chrono::steady_clock::now() < deadline) {
    if (const auto gone = ended()) return fail(Code::MACHINE, program, "a running program", *gone);
    std::error_code ignored;
    if (fs::exists(file, ignored)) {
      TRY_ASSIGN(const Bytes text, read_file(file, kSmallFileBytes));
      return parse_json(as_text(text));
    }
    std::this_thread::sleep_for(kPause);
  }
  return fail(Code::TIMEOUT, program, file.string(), "nothing; see " + (state_ / (program + ".log")).string());
}

Result<void> DevPlatform::start_caged() {
  const fs::path ports = home() / "caged" / "ports.json";
  std::error_code ignored;
  fs::remove(ports, ignored);
  TRY(run("caged", {"--development"}));
  TRY_ASSIGN(const Json ready, wait_for(ports, "caged"));
  (void)ready;
  TRY_ASSIGN(endpoint_, development_endpoint(home()));
  return {};
}

Result<void> DevPlatform::read_platform() {
  TRY_ASSIGN(PlatformFacts facts, ask_platform(endpoint_));
  class_ = std::move(facts.evidence_class);
  roots_ = std::move(facts.roots);
  return {};
}

Result<std::string> DevPlatform::cages_ca() {
  TRY_ASSIGN(const PlatformFacts facts, ask_platform(endpoint_));
  const std::string pem = facts.authorities.text_or(class_, "");
  if (pem.empty()) return fail(Code::JSON, "cage_authorities", "the authority of " + class_, "none");
  return pem;
}

Result<void> DevPlatform::make_app(const std::string& name) {
  const auto made = call(endpoint_, "POST", "/v1/apps", as_bytes(write_json(Json::object({{"name", name}}))));
  if (!made && made.error().code != Code::EXISTS) return fail(made.error());
  return {};
}

Result<std::vector<std::string>> DevPlatform::missing_secrets(const std::string& app,
                                                              const std::vector<wire::SecretName>& names) {
  TRY_ASSIGN(const std::string word, path_word(app, "app"));
  TRY_ASSIGN(const Json answer, call(endpoint_, "GET", "/v1/apps/" + word + "/secrets", {}));
  const Json* list = answer.find("secrets");
  if (list == nullptr || !list->is_array()) return fail(Code::JSON, "secrets", "a list", "another value");
  std::vector<std::string> missing;
  for (const wire::SecretName& wanted : names) {
    const bool there = std::ranges::any_of(*list->as_array(), [&](const Json& one) {
      return one.text_or("name", "") == wanted.name && one.text_or("class", "") == class_;
    });
    if (!there) missing.push_back(wanted.name);
  }
  return missing;
}

Result<Json> DevPlatform::deploy(const std::string& name, const fs::path& eif) {
  TRY_ASSIGN(const std::string word, path_word(name, "name"));
  return upload(endpoint_, "/v1/apps/" + word + "/deployments", eif);
}

Result<Json::Array> DevPlatform::deployments(const std::string& app) {
  TRY_ASSIGN(const std::string word, path_word(app, "app"));
  TRY_ASSIGN(Json answer, call(endpoint_, "GET", "/v1/apps/" + word + "/deployments", {}));
  const Json* list = answer.find("deployments");
  if (list == nullptr || !list->is_array()) return fail(Code::JSON, "deployments", "a list", "another value");
  return *list->as_array();
}

Result<void> DevPlatform::release_before(const std::string& app, std::int64_t version) {
  TRY_ASSIGN(const Json::Array all, deployments(app));
  for (const Json& one : all) {
    const std::int64_t other = one.int_or("version", 0);
    const std::string state = one.text_or("state", "");
    if (other >= version || (state != "rolling" && state != "live")) continue;
    TRY(call(endpoint_, "POST", "/v1/apps/" + app + "/versions/" + std::to_string(other) + "/release", {}));
  }
  return {};
}

Result<Json> DevPlatform::deployment(const std::string& app, std::int64_t version) {
  TRY_ASSIGN(const Json::Array all, deployments(app));
  for (const Json& one : all) {
    if (one.int_or("version", -1) == version) return one;
  }
  return fail(Code::NOT_FOUND, "version", std::to_string(version), "none");
}

Result<void> DevPlatform::write_host_config(const fs::path& run, const std::vector<std::string>& ranges) {
  TRY_ASSIGN(const Bytes text, read_file(home() / "caged" / "ports.json", kSmallFileBytes));
  TRY_ASSIGN(const Json ports, parse_json(as_text(text)));
  TRY_ASSIGN(const Json code, call(endpoint_, "POST", "/v1/enrolments", as_bytes(R"({"name":"development"})")));
  const fs::path folder = home() / "host";
  // Not an argument: arguments are everybody's to read.
  TRY(write_file(folder / "enrol-code", as_bytes(code.text_or("code", "")), 0600));
  const auto line = [](std::string_view name, const std::string& value) {
    return std::string(name) + " = " + write_json(Json(value)) + "\n";
  };
  Json::Array allowed;
  for (const std::string& range : ranges) allowed.emplace_back(range);
  const std::string config = line("caged", "127.0.0.1:" + std::to_string(ports.int_or("hosts", 0))) +
                             line("state", folder.string()) +
                             line("run", run.string()) + line("ingress", "127.0.0.1:0") +
                             line("observe", "127.0.0.1:0") + line("nsm_state", (home() / "nsm").string()) +
                             "shared_kernel = true\n[egress]\nallow_ranges = " + write_json(Json(std::move(allowed))) + "\n";
  return write_file(state_ / "host.toml", as_bytes(config));
}

Result<HostPorts> DevPlatform::start_host(const std::vector<std::string>& ranges) {
  TRY(make_private(home() / "host"));
  TRY_ASSIGN(const fs::path run_folder, make_user_run_folder(hex(crypto::sha256(as_bytes(state_.string()))).substr(0, 8)));
  TRY(write_host_config(run_folder, ranges));
  TRY(run("cage-host", {"serve", "--development", "--config", (state_ / "host.toml").string(), "--enrol-file",
                        (home() / "host" / "enrol-code").string()}));
  const auto deadline = std::chrono::steady_clock::now() + kStartTime;
  while (std::chrono::steady_clock::now() < deadline) {
    if (const auto gone = ended()) return fail(Code::MACHINE, "cage-host", "a running program", *gone);
    for (const std::string& text : new_log_lines()) {
      if (!text.starts_with(R"({"event":"listening")")) continue;
      TRY_ASSIGN(const Json ready, parse_json(text));
      return HostPorts{static_cast<std::uint16_t>(ready.int_or("ingress", 0)),
                       static_cast<std::uint16_t>(ready.int_or("observe", 0))};
    }
    std::this_thread::sleep_for(kPause);
  }
  return fail(Code::TIMEOUT, "cage-host", "a host that listens", "see " + (state_ / "cage-host.log").string());
}

Json DevPlatform::journal(const HostPorts& ports, const std::string& deployment) {
  net::EventLoop loop;
  auto answer = loop.run(get_local(loop, ports.metrics, "/journal/" + deployment));
  return answer && *answer ? std::move(**answer) : Json();
}

void DevPlatform::stop() {
  std::error_code ignored;
  fs::remove(home() / "caged" / "ports.json", ignored);  // nobody looks for it there any more
  while (!programs_.empty()) {
    programs_.back().child.stop(kStopTime);
    programs_.pop_back();
  }
}

std::vector<std::string> DevPlatform::new_log_lines() {
  std::ifstream file(state_ / "cage-host.log", std::ios::binary);
  file.seekg(static_cast<std::streamoff>(log_position_));
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line) && !file.eof();) {
    log_position_ += line.size() + 1;
    lines.push_back(printable(line, 4096));
  }
  return lines;
}

Json DevPlatform::pids() const {
  Json out = Json::object();
  for (const Program& program : programs_) out.set(program.name, std::int64_t{program.child.pid()});
  return out;
}

}  // namespace cages::cli
