// SPDX-License-Identifier: Apache-2.0
#include "image/compose.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "base/limits.h"
#include "base/text.h"
#include "image/health.h"
#include "image/users.h"

namespace cages::image {
namespace {

constexpr std::uint32_t kDefaultIntervalMs = 5000;
constexpr std::uint16_t kOwnLayer = limits::kImageLayersMax;  // above all of the image's
// What Docker gives a container whose image sets none.
constexpr std::string_view kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::unexpected<Error> missing(std::string_view what, std::string expected, std::string got) {
  return fail(Code::IMAGE_CONFIG, std::string(what), std::move(expected), std::move(got));
}

std::optional<int> integer(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

class Composer {
 public:
  Composer(const Project& project, Image& image, const PolicyInputs& inputs)
      : project_(project), image_(image), config_(image.config), inputs_(inputs) {}

  Result<Composed> run() {
    out_.manifest.name = project_.name;
    TRY(command());
    TRY(user_and_environment());
    TRY(workdir());
    TRY(program());
    TRY(stop_signal());
    TRY(port());
    health();
    policy();
    TRY(secrets());
    warn_left_out();
    TRY(wire::write_manifest(out_.manifest));  // every bound, before anything is written
    return std::move(out_);
  }

 private:
  void warn(std::string text) { out_.warnings.push_back(std::move(text)); }

  // ENTRYPOINT then CMD. The shell forms already stand in the configuration as {"/bin/sh", "-c", line}: sh takes what
  // follows a shell-form ENTRYPOINT as $0 and ignores it, which is Docker's rule that CMD does not count then.
  Result<void> command() {
    auto& command = out_.manifest.command;
    if (project_.command) {
      command = *project_.command;
    } else {
      command = config_.entrypoint;
      command.insert(command.end(), config_.cmd.begin(), config_.cmd.end());
    }
    if (command.empty())
      return missing("command", "[image] command in cage.toml", "no ENTRYPOINT and no CMD in the image");
    return {};
  }

  Result<void> user_and_environment() {
    TRY_ASSIGN(const ResolvedUser user, resolve_user(image_.tree, project_.user.value_or(config_.user)));
    out_.manifest.user = user.user;
    auto& environment = out_.manifest.environment;
    for (const auto& [name, value] : config_.env) environment.push_back({name, value});
    for (const wire::Variable& variable : project_.environment) {
      const auto same = std::ranges::find(environment, variable.name, &wire::Variable::name);
      if (same != environment.end()) {
        same->value = variable.value;
      } else {
        environment.push_back(variable);
      }
    }
    if (value_of("PATH") == nullptr) environment.push_back({"PATH", std::string(kDefaultPath)});
    if (value_of("HOME") == nullptr) environment.push_back({"HOME", user.home});
    return {};
  }

  const std::string* value_of(std::string_view name) const {
    const auto found = std::ranges::find(out_.manifest.environment, name, &wire::Variable::name);
    return found == out_.manifest.environment.end() ? nullptr : &found->value;
  }

  Result<void> workdir() {
    const std::string text = project_.workdir.value_or(config_.workdir);
    std::string& workdir = out_.manifest.workdir;
    workdir = text.empty() ? "/" : text.starts_with('/') ? text : "/" + text;
    const auto at = image_.tree.resolve(workdir);
    const Node* node = at ? image_.tree.find(*at) : nullptr;
    if (node != nullptr && node->kind == NodeKind::directory) return {};
    if (project_.workdir || node != nullptr)
      return missing("workdir", "a directory that the image has", printable(workdir));
    // WORKDIR alone makes no directory with every builder; Docker makes it when a container starts.
    TRY_ASSIGN(const std::string path, layer_path(std::string_view(workdir).substr(1)));
    Node made;
    made.layer = kOwnLayer;
    return image_.tree.put(path, std::move(made));
  }

  bool is_program(std::string_view path) const {
    const auto at = image_.tree.resolve(path);
    const Node* node = at ? image_.tree.find(*at) : nullptr;
    return node != nullptr && node->kind == NodeKind::file && (node->file->permissions & 0111) != 0;
  }

  // A mistyped command is told now, not by a cage that never becomes ready.
  Result<void> program() {
    const std::string& name = out_.manifest.command[0];
    if (name.find('/') != std::string::npos) {
      if (is_program(name.starts_with('/') ? name : out_.manifest.workdir + '/' + name)) return {};
    } else if (const std::string* path = value_of("PATH")) {
      for (const std::string_view folder : split(*path, ':')) {
        if (is_program(std::string(folder) + '/' + name)) return {};
      }
    }
    return missing("command", "a program that the image has", printable(name));
  }

  Result<void> stop_signal() {
    if (config_.stop_signal.empty()) return {};
    TRY_ASSIGN(out_.manifest.stop_signal, parse_signal(config_.stop_signal));
    return {};
  }

  Result<void> port() {
    if (project_.port) {
      out_.manifest.port = *project_.port;
      return {};
    }
    std::set<std::uint16_t> ports;
    for (const std::string& text : config_.exposed_ports) {
      const std::size_t slash = text.find('/');
      const auto number = integer(std::string_view(text).substr(0, slash));
      if (!number || *number < 1 || *number > 65535)
        return fail(Code::IMAGE, "ExposedPorts", "a port", printable(text));
      if (slash == std::string::npos || text.substr(slash) == "/tcp") {
        ports.insert(static_cast<std::uint16_t>(*number));
      } else {
        warn("EXPOSE " + printable(text) + " has no effect: a cage is reached by TCP");
      }
    }
    std::string list;
    for (const std::uint16_t number : ports) list += (list.empty() ? "" : ", ") + std::to_string(number);
    if (ports.empty()) return missing("port", "port = … in cage.toml", "no EXPOSE in the image");
    if (ports.size() > 1)
      return missing("port", "port = … in cage.toml: one of " + list, "several EXPOSEd ports: " + list);
    out_.manifest.port = *ports.begin();
    return {};
  }

  void health() {
    wire::Health& health = out_.manifest.health;
    health = {.kind = wire::HealthKind::tcp, .path = {}, .port = out_.manifest.port, .interval_ms = kDefaultIntervalMs};
    if (project_.health_path) {
      health.kind = wire::HealthKind::http;
      health.path = *project_.health_path;
    } else if (config_.healthcheck) {
      if (const auto probe = recognise_probe(*config_.healthcheck)) {
        health = *probe;
      } else {
        warn(
            "HEALTHCHECK runs a command that is no HTTP or TCP probe of this machine; the cage counts as healthy when "
            "port " +
            std::to_string(out_.manifest.port) + " accepts connections. Name a path in [health] path for more");
      }
    }
    if (project_.health_interval_ms && health.kind != wire::HealthKind::none)
      health.interval_ms = *project_.health_interval_ms;
  }

  void policy() {
    wire::Manifest& m = out_.manifest;
    m.tls = project_.tls;
    m.client_cas = inputs_.client_cas;
    m.egress = project_.egress;
    m.trusted_headers = project_.trusted_headers;
    m.log_app = project_.log_app;
    m.log_context = project_.log_context;
    m.log_query = project_.log_query;
    m.secrets = project_.secrets;
    m.api_key = project_.api_key;
    m.decrypt_public = project_.decrypt_public;
    m.decrypt_routes = project_.decrypt_routes;
    m.local_api_token = project_.local_api_token;
    m.legacy_attestation = project_.legacy_attestation;
    m.platform_roots = inputs_.roots;
    m.variant = project_.variant;
  }

  Result<void> secrets() {
    for (const wire::SecretName& secret : project_.secrets) {
      if (value_of(secret.name) == nullptr) continue;
      return fail(Code::SECRET_NAME, secret.name, "a name that the image and [image] env do not set",
                  "one that they do");
    }
    return {};
  }

  void warn_left_out() {
    if (image_.left_out.device_entries > 0) {
      warn(std::to_string(image_.left_out.device_entries) +
           " device entries below /dev were left out: a cage has its own /dev");
    }
    if (image_.left_out.capabilities > 0) {
      warn(std::to_string(image_.left_out.capabilities) +
           " files carry capabilities (setcap), which no ramdisk can hold; they run without them");
    }
  }

  const Project& project_;
  Image& image_;
  const ImageConfig& config_;
  const PolicyInputs& inputs_;
  Composed out_;
};

}  // namespace

Result<Composed> compose(const Project& project, Image& image, const PolicyInputs& inputs) {
  return Composer(project, image, inputs).run();
}

Result<std::uint8_t> parse_signal(std::string_view text) {
  constexpr auto kNames = std::to_array<std::string_view>(
      {"HUP",  "INT",  "QUIT", "ILL",    "TRAP",   "ABRT",  "BUS",  "FPE",  "KILL", "USR1", "SEGV",
       "USR2", "PIPE", "ALRM", "TERM",   "STKFLT", "CHLD",  "CONT", "STOP", "TSTP", "TTIN", "TTOU",
       "URG",  "XCPU", "XFSZ", "VTALRM", "PROF",   "WINCH", "IO",   "PWR",  "SYS"});
  constexpr int kRealTimeFirst = 34;
  constexpr int kRealTimeLast = 64;
  const std::string upper = [&] {
    std::string out(text);
    for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return out.starts_with("SIG") ? out.substr(3) : out;
  }();
  std::optional<int> number = integer(upper);
  if (const auto name = std::ranges::find(kNames, upper); name != kNames.end())
    number = static_cast<int>(name - kNames.begin()) + 1;
  if (upper == "RTMIN") number = kRealTimeFirst;
  if (upper == "RTMAX") number = kRealTimeLast;
  if (upper.starts_with("RTMIN+") && integer(upper.substr(6))) number = kRealTimeFirst + *integer(upper.substr(6));
  if (upper.starts_with("RTMAX-") && integer(upper.substr(6))) number = kRealTimeLast - *integer(upper.substr(6));
  if (!number || *number < 1 || *number > kRealTimeLast) {
    return missing("stop signal", "a signal such as SIGTERM", printable(text));
  }
  return static_cast<std::uint8_t>(*number);
}

}  // namespace cages::image
