// SPDX-License-Identifier: Apache-2.0
#include "image/project.h"

#include <algorithm>

#include "base/limits.h"
#include "base/text.h"
#include "base/toml.h"
#include "wire/secret_names.h"

namespace cages::image {
namespace {

Result<void> read_text(TomlTable& table, std::string_view key, std::string& into) {
  TRY_ASSIGN(auto value, table.text(key));
  if (!value) return {};
  if (value->empty()) return fail(Code::TOML_KEY, table.where(key), "some text", "none");
  into = std::move(*value);
  return {};
}

Result<void> read_flag(TomlTable& table, std::string_view key, bool& into) {
  TRY_ASSIGN(const auto value, table.boolean(key));
  if (value) into = *value;
  return {};
}

Result<void> read_list(TomlTable& table, std::string_view key, std::vector<std::string>& into) {
  TRY_ASSIGN(auto value, table.texts(key));
  if (value) into = std::move(*value);
  return {};
}

Result<void> read_source(TomlTable& image, Project& out) {
  constexpr std::pair<std::string_view, ImageSource> kSources[] = {{"dockerfile", ImageSource::dockerfile},
                                                                   {"oci", ImageSource::oci},
                                                                   {"docker_archive", ImageSource::docker_archive},
                                                                   {"rootfs", ImageSource::rootfs}};
  std::string_view before;
  for (const auto& [key, source] : kSources) {
    std::string path;
    TRY(read_text(image, key, path));
    if (path.empty()) continue;
    if (!before.empty())
      return fail(Code::TOML_KEY, image.where(key), "one source of the image", std::string(before) + " too");
    before = key;
    out.source = source;
    out.source_path = std::move(path);
  }
  return {};
}

Result<void> read_image(TomlTable& top, Project& out) {
  TRY_ASSIGN(TomlTable* const image, top.table("image"));
  TRY(read_source(*image, out));
  TRY(read_text(*image, "kernel", out.kernel));
  TRY_ASSIGN(auto command, image->text_or_texts("command"));
  if (command && (command->first.empty() || command->first[0].empty())) {
    return fail(Code::TOML_KEY, image->where("command"), "a program", "none");
  }
  // A string is a shell line, as in a Dockerfile.
  if (command && !command->second) command->first = {"/bin/sh", "-c", command->first[0]};
  if (command) out.command = std::move(command->first);
  TRY_ASSIGN(TomlTable* const env, image->table("env"));
  for (const std::string& name : env->keys()) {
    TRY_ASSIGN(auto value, env->text(name));
    if (name.empty() || name.find('=') != std::string::npos || !value) {
      return fail(Code::TOML_KEY, env->where(name), "NAME = \"value\"", "something else");
    }
    out.environment.push_back({name, std::move(*value)});
  }
  TRY_ASSIGN(out.user, image->text("user"));
  TRY_ASSIGN(out.workdir, image->text("workdir"));
  return image->finish();
}

Result<void> read_tls(TomlTable& top, Project& out) {
  TRY_ASSIGN(TomlTable* const tls, top.table("tls"));
  TRY_ASSIGN(const auto mode, tls->choice("mode", {"terminate", "passthrough"}));
  if (mode) out.tls = static_cast<wire::TlsMode>(*mode);
  TRY_ASSIGN(auto files, tls->text_or_texts("client_ca"));
  if (files) out.client_ca_files = std::move(files->first);
  if (out.tls == wire::TlsMode::passthrough && !out.client_ca_files.empty()) {
    return fail(Code::TOML_KEY, tls->where("client_ca"),
                "no client_ca where mode = \"passthrough\": TLS ends in the app", "one");
  }
  return tls->finish();
}

Result<void> read_health(TomlTable& top, Project& out) {
  TRY_ASSIGN(TomlTable* const health, top.table("health"));
  TRY_ASSIGN(out.health_path, health->text("path"));
  if (out.health_path && !out.health_path->starts_with('/')) {
    return fail(Code::TOML_KEY, health->where("path"), "a path that begins with /", printable(*out.health_path));
  }
  TRY_ASSIGN(const auto interval,
             health->integer("interval_ms", limits::kHealthIntervalMsMin, limits::kHealthIntervalMsMax));
  if (interval) out.health_interval_ms = static_cast<std::uint32_t>(*interval);
  return health->finish();
}

Result<void> read_logs(TomlTable& top, Project& out) {
  TRY_ASSIGN(TomlTable* const logs, top.table("logs"));
  TRY_ASSIGN(const auto app, logs->choice("app", {"drop", "forward"}));
  TRY_ASSIGN(const auto context, logs->choice("context", {"drop", "forward"}));
  out.log_app = app == std::size_t{1};
  out.log_context = context == std::size_t{1};
  TRY(read_flag(*logs, "query", out.log_query));
  if (out.log_query && !out.log_context) {
    return fail(Code::TOML_KEY, logs->where("query"), "context = \"forward\" with it", "query alone");
  }
  return logs->finish();
}

Result<void> read_secrets(TomlTable& top, Project& out) {
  TRY_ASSIGN(TomlTable* const secrets, top.table("secrets"));
  for (const std::string& name : secrets->keys()) {
    if (!wire::valid_variable_name(name)) {
      return fail(Code::TOML_KEY, secrets->where(name), "a name [A-Za-z_][A-Za-z0-9_]*", printable(name));
    }
    const std::string_view reader = wire::reserved_secret_name(name);
    if (!reader.empty()) {
      return fail(Code::SECRET_NAME, secrets->where(name), "a name that nothing else reads",
                  "one that " + std::string(reader) + " read");
    }
    TRY_ASSIGN(TomlTable* const secret, secrets->table(name));
    TRY_ASSIGN(const auto deliver, secret->choice("deliver", {"file", "env"}));
    TRY(secret->finish());
    out.secrets.push_back({name, static_cast<wire::Delivery>(deliver.value_or(0))});
  }
  return {};
}

Result<void> read_resources(TomlTable& top, Project& out) {
  TRY_ASSIGN(TomlTable* const resources, top.table("resources"));
  TRY_ASSIGN(const auto memory, resources->integer("memory_mib", 64, 1024 * 1024));
  if (memory) out.memory_mib = static_cast<std::uint64_t>(*memory);
  TRY_ASSIGN(const auto cpus, resources->integer("cpus", 1, 1024));
  if (cpus) out.cpus = static_cast<std::uint64_t>(*cpus);
  return resources->finish();
}

Result<void> read_signing(TomlTable& top, Project& out) {
  TRY_ASSIGN(TomlTable* const signing, top.table("signing"));
  TRY(read_text(*signing, "certificate", out.signing_certificate));
  TRY(read_text(*signing, "key", out.signing_key));
  if (out.signing_certificate.empty() != out.signing_key.empty()) {
    const std::string_view given = out.signing_key.empty() ? "certificate" : "key";
    return fail(Code::TOML_KEY, signing->where(given), "certificate and key", "only one of them");
  }
  return signing->finish();
}

Result<void> read_small_tables(TomlTable& top, Project& out) {
  if (top.has("egress")) out.variant = wire::Variant::networked;
  TRY_ASSIGN(TomlTable* const egress, top.table("egress"));
  TRY(read_list(*egress, "allow", out.egress));
  TRY(egress->finish());
  TRY_ASSIGN(TomlTable* const auth, top.table("auth"));
  TRY(read_flag(*auth, "api_key", out.api_key));
  TRY(auth->finish());
  TRY_ASSIGN(TomlTable* const decrypt, top.table("decrypt"));
  TRY(read_flag(*decrypt, "public", out.decrypt_public));
  TRY(read_list(*decrypt, "routes", out.decrypt_routes));
  TRY(decrypt->finish());
  TRY_ASSIGN(TomlTable* const runtime, top.table("runtime"));
  TRY(read_text(*runtime, "version", out.runtime_version));
  TRY(runtime->finish());
  TRY_ASSIGN(TomlTable* const local_api, top.table("local_api"));
  TRY(read_flag(*local_api, "token", out.local_api_token));
  return local_api->finish();
}

std::unexpected<Error> bad_lock(std::string member, std::string expected, std::string got) {
  return fail(Code::LOCK, std::move(member), std::move(expected), std::move(got));
}

Result<void> read_lock_tables(TomlTable& top, Lock& out) {
  TRY_ASSIGN(const auto version, top.integer("version", 1, 1));
  if (!version) return bad_lock("version", "1", "none");
  TRY_ASSIGN(TomlTable* const platform, top.table("platform"));
  TRY_ASSIGN(const auto url, platform->text("url"));
  out.platform_url = url.value_or("");
  TRY_ASSIGN(const auto roots, platform->texts("roots"));
  for (const std::string& text : roots.value_or(std::vector<std::string>())) {
    TRY_ASSIGN(const wire::RootHash root, parse_root_hash(text));
    out.roots.push_back(root);
  }
  TRY(platform->finish());
  TRY_ASSIGN(TomlTable* const release, top.table("release"));
  TRY_ASSIGN(const auto counter, release->integer("counter", 0, INT64_MAX));
  out.counter = static_cast<std::uint64_t>(counter.value_or(0));
  TRY_ASSIGN(const auto not_after, release->integer("not_after", 0, INT64_MAX));
  out.not_after = not_after.value_or(0);
  TRY_ASSIGN(const auto pcr0, release->text("pcr0"));
  out.pcr0 = pcr0.value_or("");
  TRY(release->finish());
  return top.finish();
}

}  // namespace

Result<Project> parse_project(std::string_view toml) {
  TRY_ASSIGN(TomlTable top, parse_toml(toml, "cage.toml"));
  TRY_ASSIGN(const auto version, top.integer("version", 1, 1));
  if (!version) return fail(Code::TOML_KEY, top.where("version"), "version = 1", "none");
  Project out;
  TRY(read_text(top, "name", out.name));
  if (!wire::valid_cage_name(out.name)) {
    return fail(Code::TOML_KEY, top.where("name"), "a name [a-z][a-z0-9-]{0,31}", printable(out.name));
  }
  TRY_ASSIGN(const auto port, top.integer("port", 1, 65535));
  if (port) out.port = static_cast<std::uint16_t>(*port);
  TRY(read_flag(top, "legacy_attestation", out.legacy_attestation));
  TRY(read_list(top, "trusted_headers", out.trusted_headers));
  for (std::string& header : out.trusted_headers) header = ascii_lower(header);
  TRY(read_image(top, out));
  TRY(read_tls(top, out));
  TRY(read_health(top, out));
  TRY(read_logs(top, out));
  TRY(read_resources(top, out));
  TRY(read_signing(top, out));
  TRY(read_secrets(top, out));
  TRY(read_small_tables(top, out));
  TRY(top.finish());
  return out;
}

std::string project_template(std::string_view name) {
  return "# What this cage is and what it may do. Everything here except [resources] and [signing] is measured: a "
         "change\n"
         "# gives other PCRs. All settings: docs/guide/cage-toml.md\n"
         "version = 1\n"
         "name = " +
         toml_string(name) +
         "\n\n"
         "# The port the app listens on. Without it, the one port that the Dockerfile EXPOSEs.\n"
         "# port = 8080\n\n"
         "[image]\n"
         "dockerfile = \"Dockerfile\"\n"
         "# command = [\"/app\", \"--flag\"]    # instead of the image's ENTRYPOINT and CMD\n"
         "# user = \"app\"\n\n"
         "[logs]\n"
         "# The app's output leaves the cage, readable by whoever operates the host. \"drop\" keeps it in.\n"
         "app = \"forward\"\n\n"
         "# [health]\n"
         "# path = \"/healthz\"                # without it, the cage is healthy when the port accepts connections\n\n"
         "# The only names the app can reach. Without this table: none.\n"
         "# [egress]\n"
         "# allow = [\"api.example.com:443\"]\n\n"
         "# Names of secrets; values are set with `cage secrets set`. Delivered as /run/secrets/NAME.\n"
         "# [secrets]\n"
         "# API_KEY = { deliver = \"file\" }\n";
}

Result<wire::RootHash> parse_root_hash(std::string_view text) {
  const auto bytes = parse_hex(text);
  wire::RootHash root{};
  if (!bytes || bytes->size() != root.size()) return bad_lock("roots", "96 hexadecimal digits", printable(text));
  std::ranges::copy(*bytes, root.begin());
  return root;
}

Result<Lock> parse_lock(std::string_view toml) {
  auto top = parse_toml(toml, "cage.lock");
  if (!top) return bad_lock(top.error().subject, top.error().expected, top.error().got);
  Lock out;
  if (auto read = read_lock_tables(*top, out); !read) {
    return bad_lock(read.error().subject, read.error().expected, read.error().got);
  }
  if (out.roots.size() > limits::kPlatformRootsMax)
    return bad_lock("roots", "at most 4", std::to_string(out.roots.size()));
  return out;
}

std::string write_lock(const Lock& lock) {
  std::string out =
      "# Written by `cage`; commit it. The platform's root is measured into every build: whoever holds its key "
      "operates the cage.\n"
      "version = 1\n\n[platform]\n";
  if (!lock.platform_url.empty()) out += "url = " + toml_string(lock.platform_url) + "\n";
  out += "roots = [";
  for (const wire::RootHash& root : lock.roots) out += (&root == lock.roots.data() ? "\"" : ", \"") + hex(root) + "\"";
  out += "]\n\n[release]\ncounter = " + std::to_string(lock.counter) + "\n";
  if (lock.not_after != 0) out += "not_after = " + std::to_string(lock.not_after) + "\n";
  if (!lock.pcr0.empty()) out += "pcr0 = " + toml_string(lock.pcr0) + "\n";
  return out;
}

}  // namespace cages::image
