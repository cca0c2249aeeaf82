// SPDX-License-Identifier: Apache-2.0
#include "wire/manifest.h"

#include <algorithm>

#include "base/limits.h"
#include "base/text.h"
#include "wire/cbor.h"

namespace cages::wire {
namespace {

constexpr std::string_view kType = "cages/manifest";
constexpr std::uint64_t kVersion = 1;
constexpr std::uint64_t kKeys = 21;

std::unexpected<Error> bad(std::string_view member, std::string expected, std::string got) {
  return fail(Code::MANIFEST, std::string(member), std::move(expected), std::move(got));
}

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

// untrusted: texts end in execve(), environ and paths: no NUL anywhere, bounded.
Result<std::string> checked_text(std::string_view member, std::string_view text, std::size_t bytes_max) {
  if (text.size() > bytes_max) {
    return bad(member, "at most " + std::to_string(bytes_max) + " bytes", std::to_string(text.size()) + " bytes");
  }
  if (text.find('\0') != std::string_view::npos) return bad(member, "no NUL", printable(text));
  return std::string(text);
}

Result<std::uint64_t> read_number(CborReader& in, std::string_view member, std::uint64_t low, std::uint64_t high) {
  TRY_ASSIGN(const std::uint64_t value, in.read_uint(member));
  if (value < low || value > high) {
    return bad(member, std::to_string(low) + " to " + std::to_string(high), std::to_string(value));
  }
  return value;
}

template <class Enum>
Result<void> read_enum(CborReader& in, std::string_view member, Enum last, Enum& into) {
  TRY_ASSIGN(const std::uint64_t value, read_number(in, member, 0, static_cast<std::uint64_t>(last)));
  into = static_cast<Enum>(value);
  return {};
}

Result<void> read_bool_into(CborReader& in, std::string_view member, bool& into) {
  TRY_ASSIGN(into, in.read_bool(member));
  return {};
}

Result<void> read_text_into(CborReader& in, std::string_view member, std::size_t bytes_max, std::string& into) {
  TRY_ASSIGN(const std::string_view text, in.read_text(member));
  TRY_ASSIGN(into, checked_text(member, text, bytes_max));
  return {};
}

// A tuple whose length is fixed.
Result<void> read_tuple(CborReader& in, std::string_view member, std::uint64_t length) {
  TRY_ASSIGN(const std::uint64_t count, in.read_array(member));
  if (count != length) return bad(member, std::to_string(length) + " items", std::to_string(count));
  return {};
}

Result<std::uint64_t> read_count(CborReader& in, std::string_view member, std::size_t items_max) {
  TRY_ASSIGN(const std::uint64_t count, in.read_array(member));
  if (count > items_max) return bad(member, "at most " + std::to_string(items_max) + " items", std::to_string(count));
  return count;
}

Result<void> read_texts(CborReader& in, std::string_view member, std::size_t items_max, std::size_t bytes_max,
                        std::vector<std::string>& into) {
  TRY_ASSIGN(const std::uint64_t count, read_count(in, member, items_max));
  for (std::uint64_t i = 0; i < count; ++i) {
    std::string text;
    TRY(read_text_into(in, member, bytes_max, text));
    into.push_back(std::move(text));
  }
  return {};
}

Result<void> read_environment(CborReader& in, std::vector<Variable>& into) {
  TRY_ASSIGN(const std::uint64_t count, read_count(in, "environment", limits::kManifestItemsMax));
  for (std::uint64_t i = 0; i < count; ++i) {
    TRY(read_tuple(in, "environment", 2));
    Variable variable;
    TRY(read_text_into(in, "environment", limits::kManifestTextBytesMax, variable.name));
    TRY(read_text_into(in, "environment", limits::kManifestTextBytesMax, variable.value));
    into.push_back(std::move(variable));
  }
  return {};
}

Result<void> read_user(CborReader& in, User& into) {
  constexpr std::uint64_t kIdMax = 0xffff'fffe;  // 0xffffffff is "no id" to the kernel
  TRY(read_tuple(in, "user", 3));
  TRY_ASSIGN(const std::uint64_t uid, read_number(in, "user", 0, kIdMax));
  TRY_ASSIGN(const std::uint64_t gid, read_number(in, "user", 0, kIdMax));
  TRY_ASSIGN(const std::uint64_t count, read_count(in, "user", limits::kManifestGroupsMax));
  into.uid = static_cast<std::uint32_t>(uid);
  into.gid = static_cast<std::uint32_t>(gid);
  for (std::uint64_t i = 0; i < count; ++i) {
    TRY_ASSIGN(const std::uint64_t group, read_number(in, "user", 0, kIdMax));
    into.groups.push_back(static_cast<std::uint32_t>(group));
  }
  return {};
}

Result<void> read_health(CborReader& in, Health& into) {
  TRY(read_tuple(in, "health", 4));
  TRY(read_enum(in, "health", HealthKind::http, into.kind));
  TRY(read_text_into(in, "health", limits::kManifestTextBytesMax, into.path));
  TRY_ASSIGN(const std::uint64_t port, read_number(in, "health", 0, 65535));
  TRY_ASSIGN(const std::uint64_t interval, read_number(in, "health", 0, limits::kHealthIntervalMsMax));
  into.port = static_cast<std::uint16_t>(port);
  into.interval_ms = static_cast<std::uint32_t>(interval);
  return {};
}

Result<void> read_logs(CborReader& in, Manifest& into) {
  TRY(read_tuple(in, "logs", 3));
  TRY(read_bool_into(in, "logs", into.log_app));
  TRY(read_bool_into(in, "logs", into.log_context));
  return read_bool_into(in, "logs", into.log_query);
}

Result<void> read_secrets(CborReader& in, std::vector<SecretName>& into) {
  TRY_ASSIGN(const std::uint64_t count, read_count(in, "secrets", limits::kManifestItemsMax));
  for (std::uint64_t i = 0; i < count; ++i) {
    TRY(read_tuple(in, "secrets", 2));
    SecretName secret;
    TRY(read_text_into(in, "secrets", limits::kManifestTextBytesMax, secret.name));
    TRY(read_enum(in, "secrets", Delivery::environment, secret.delivery));
    into.push_back(std::move(secret));
  }
  return {};
}

Result<void> read_decrypt(CborReader& in, Manifest& into) {
  TRY(read_tuple(in, "decrypt", 2));
  TRY(read_bool_into(in, "decrypt", into.decrypt_public));
  return read_texts(in, "decrypt", limits::kManifestItemsMax, limits::kManifestTextBytesMax, into.decrypt_routes);
}

Result<void> read_roots(CborReader& in, std::vector<RootHash>& into) {
  TRY_ASSIGN(const std::uint64_t count, read_count(in, "platform_roots", limits::kPlatformRootsMax));
  for (std::uint64_t i = 0; i < count; ++i) {
    TRY_ASSIGN(const ByteView hash, in.read_bytes("platform_roots"));
    RootHash root{};
    if (hash.size() != root.size()) return bad("platform_roots", "48 bytes", std::to_string(hash.size()) + " bytes");
    std::ranges::copy(hash, root.begin());
    into.push_back(root);
  }
  return {};
}

Result<void> read_member(CborReader& in, std::uint64_t key, Manifest& m) {
  constexpr std::size_t kItems = limits::kManifestItemsMax;
  constexpr std::size_t kText = limits::kManifestTextBytesMax;
  switch (key) {
    case 1: return read_text_into(in, "name", kText, m.name);
    case 2: return read_texts(in, "command", kItems, kText, m.command);
    case 3: return read_environment(in, m.environment);
    case 4: return read_user(in, m.user);
    case 5: return read_text_into(in, "workdir", kText, m.workdir);
    case 6: {
      TRY_ASSIGN(const std::uint64_t number, read_number(in, "stop_signal", 1, 64));
      m.stop_signal = static_cast<std::uint8_t>(number);
      return {};
    }
    case 7: {
      TRY_ASSIGN(const std::uint64_t number, read_number(in, "port", 1, 65535));
      m.port = static_cast<std::uint16_t>(number);
      return {};
    }
    case 8: return read_enum(in, "tls", TlsMode::passthrough, m.tls);
    case 9: return read_texts(in, "client_ca", limits::kClientCasMax, kText, m.client_cas);
    case 10: return read_texts(in, "egress", kItems, limits::kEgressEntryBytesMax, m.egress);
    case 11: return read_health(in, m.health);
    case 12: return read_texts(in, "trusted_headers", kItems, kText, m.trusted_headers);
    case 13: return read_logs(in, m);
    case 14: return read_secrets(in, m.secrets);
    case 15: return read_bool_into(in, "auth", m.api_key);
    case 16: return read_decrypt(in, m);
    case 17: return read_bool_into(in, "local_api", m.local_api_token);
    case 18: return read_bool_into(in, "legacy_attestation", m.legacy_attestation);
    case 19: return read_enum(in, "restart", Restart::always, m.restart);
    case 20: return read_roots(in, m.platform_roots);
    case 21: return read_enum(in, "variant", Variant::isolated, m.variant);
    default: return fail(Code::UNKNOWN_KEY, "manifest", "1 to " + std::to_string(kKeys), std::to_string(key));
  }
}

Result<void> check_texts(std::string_view member, const std::vector<std::string>& texts, std::size_t items_max,
                         std::size_t bytes_max) {
  if (texts.size() > items_max) {
    return bad(member, "at most " + std::to_string(items_max) + " items", std::to_string(texts.size()));
  }
  for (const std::string& text : texts) {
    if (!valid_utf8(text)) return bad(member, "UTF-8", printable(text));
    TRY(checked_text(member, text, bytes_max));
  }
  return {};
}

Result<void> check_environment(const Manifest& m) {
  if (m.environment.size() > limits::kManifestItemsMax) return bad("environment", "fewer variables", "too many");
  std::vector<std::string_view> names;
  for (const Variable& variable : m.environment) {
    if (variable.name.empty() || variable.name.find('=') != std::string::npos) {
      return bad("environment", "a name without '='", printable(variable.name));
    }
    TRY(check_texts("environment", {variable.name, variable.value}, 2, limits::kManifestTextBytesMax));
    names.push_back(variable.name);
  }
  std::ranges::sort(names);
  if (const auto twice = std::ranges::adjacent_find(names); twice != names.end()) {
    return bad("environment", "each name once", printable(*twice));
  }
  return {};
}

Result<void> check_secrets(const Manifest& m) {
  if (m.secrets.size() > limits::kManifestItemsMax) return bad("secrets", "fewer names", "too many");
  std::string_view before;
  for (const SecretName& secret : m.secrets) {
    if (!valid_variable_name(secret.name))
      return bad("secrets", "a name [A-Za-z_][A-Za-z0-9_]*", printable(secret.name));
    if (secret.name <= before) return bad("secrets", "names in ascending order, each once", printable(secret.name));
    before = secret.name;
    // A secret never replaces a variable that the image or the manifest set (design §4.8).
    const auto same = [&](const Variable& variable) { return variable.name == secret.name; };
    if (std::ranges::any_of(m.environment, same)) {
      return bad("secrets", "a name that is no variable of the image", printable(secret.name));
    }
  }
  return {};
}

Result<void> check_health(const Health& health) {
  if (health.kind == HealthKind::none) {
    if (!health.path.empty() || health.port != 0 || health.interval_ms != 0)
      return bad("health", "nothing", "a setting");
    return {};
  }
  if (health.port == 0) return bad("health", "a port", "0");
  if (health.interval_ms < limits::kHealthIntervalMsMin || health.interval_ms > limits::kHealthIntervalMsMax) {
    return bad(
        "health",
        std::to_string(limits::kHealthIntervalMsMin) + " to " + std::to_string(limits::kHealthIntervalMsMax) + " ms",
        std::to_string(health.interval_ms));
  }
  const bool http = health.kind == HealthKind::http;
  if (http != health.path.starts_with('/') || (!http && !health.path.empty())) {
    return bad("health", http ? "a path that begins with /" : "no path", printable(health.path));
  }
  // The path goes into a request line.
  const bool clean = std::ranges::all_of(health.path, [](char c) { return c > ' ' && c < 0x7f; });
  if (!clean) return bad("health", "a path of visible ASCII", printable(health.path));
  return check_texts("health", {health.path}, 1, limits::kManifestTextBytesMax);
}

Result<void> check_lists(const Manifest& m) {
  constexpr std::size_t kItems = limits::kManifestItemsMax;
  constexpr std::size_t kText = limits::kManifestTextBytesMax;
  TRY(check_texts("command", m.command, kItems, kText));
  if (m.command.empty() || m.command[0].empty()) return bad("command", "a program", "none");
  TRY(check_texts("client_ca", m.client_cas, limits::kClientCasMax, kText));
  TRY(check_texts("egress", m.egress, kItems, limits::kEgressEntryBytesMax));
  TRY(check_texts("trusted_headers", m.trusted_headers, kItems, kText));
  TRY(check_texts("decrypt", m.decrypt_routes, kItems, kText));
  if (m.user.groups.size() > limits::kManifestGroupsMax) return bad("user", "fewer groups", "too many");
  if (m.platform_roots.empty() || m.platform_roots.size() > limits::kPlatformRootsMax) {
    return bad("platform_roots", "1 to " + std::to_string(limits::kPlatformRootsMax),
               std::to_string(m.platform_roots.size()));
  }
  return {};
}

// What both directions demand of the values.
Result<void> check(const Manifest& m) {
  if (!valid_cage_name(m.name)) return bad("name", "[a-z][a-z0-9-]{0,31}", printable(m.name));
  TRY(check_lists(m));
  TRY(check_environment(m));
  TRY(check_secrets(m));
  TRY(check_health(m.health));
  TRY(check_texts("workdir", {m.workdir}, 1, limits::kManifestTextBytesMax));
  if (!m.workdir.starts_with('/')) return bad("workdir", "an absolute path", printable(m.workdir));
  if (m.port == 0) return bad("port", "1 to 65535", "0");
  if (m.stop_signal < 1 || m.stop_signal > 64) return bad("stop_signal", "1 to 64", std::to_string(m.stop_signal));
  return {};
}

void write_texts(CborWriter& out, const std::vector<std::string>& texts) {
  out.array(texts.size());
  for (const std::string& text : texts) out.text(text);
}

void write_process(CborWriter& out, const Manifest& m) {
  out.uint(1).text(m.name);
  out.uint(2);
  write_texts(out, m.command);
  out.uint(3).array(m.environment.size());
  for (const Variable& variable : m.environment) out.array(2).text(variable.name).text(variable.value);
  out.uint(4).array(3).uint(m.user.uid).uint(m.user.gid).array(m.user.groups.size());
  for (const std::uint32_t group : m.user.groups) out.uint(group);
  out.uint(5).text(m.workdir).uint(6).uint(m.stop_signal).uint(7).uint(m.port);
}

void write_policy(CborWriter& out, const Manifest& m) {
  const auto number = [](auto value) { return static_cast<std::uint64_t>(value); };
  out.uint(8).uint(number(m.tls)).uint(9);
  write_texts(out, m.client_cas);
  out.uint(10);
  write_texts(out, m.egress);
  out.uint(11).array(4).uint(number(m.health.kind)).text(m.health.path).uint(m.health.port).uint(m.health.interval_ms);
  out.uint(12);
  write_texts(out, m.trusted_headers);
  out.uint(13).array(3).boolean(m.log_app).boolean(m.log_context).boolean(m.log_query);
  out.uint(14).array(m.secrets.size());
  for (const SecretName& secret : m.secrets) out.array(2).text(secret.name).uint(number(secret.delivery));
  out.uint(15).boolean(m.api_key);
  out.uint(16).array(2).boolean(m.decrypt_public);
  write_texts(out, m.decrypt_routes);
  out.uint(17).boolean(m.local_api_token).uint(18).boolean(m.legacy_attestation).uint(19).uint(number(m.restart));
  out.uint(20).array(m.platform_roots.size());
  for (const RootHash& root : m.platform_roots) out.bytes(root);
  out.uint(21).uint(number(m.variant));
}

}  // namespace

Result<Manifest> parse_manifest(ByteView bytes) {
  if (bytes.size() > limits::kManifestBytesMax) {
    return fail(Code::LIMIT, "manifest", "at most " + std::to_string(limits::kManifestBytesMax) + " bytes",
                std::to_string(bytes.size()));
  }
  CborReader in(bytes);
  TRY(read_tuple(in, "manifest", 3));
  TRY_ASSIGN(const std::string_view type, in.read_text("type"));
  if (type != kType) return fail(Code::MESSAGE_TYPE, "", std::string(kType), printable(type));
  TRY_ASSIGN(const std::uint64_t version, in.read_uint("version"));
  if (version != kVersion) return fail(Code::MESSAGE_VERSION, "manifest", "1", std::to_string(version));
  TRY_ASSIGN(const std::uint64_t pairs, in.read_map("manifest"));
  Manifest manifest;
  for (std::uint64_t i = 0; i < pairs; ++i) {
    TRY_ASSIGN(const std::uint64_t key, in.read_uint("key"));
    if (i < kKeys && key != i + 1) {
      const Code code = key > kKeys ? Code::UNKNOWN_KEY : key <= i ? Code::DUPLICATE_KEY : Code::MISSING;
      return fail(code, "member " + std::to_string(i + 1), std::to_string(i + 1), std::to_string(key));
    }
    TRY(read_member(in, key, manifest));
  }
  if (pairs < kKeys) return fail(Code::MISSING, "member " + std::to_string(pairs + 1));
  TRY(in.finish());
  TRY(check(manifest));
  return manifest;
}

Result<Bytes> write_manifest(const Manifest& manifest) {
  TRY(check(manifest));
  CborWriter out;
  out.array(3).text(kType).uint(kVersion).map(kKeys);
  write_process(out, manifest);
  write_policy(out, manifest);
  Bytes bytes = out.take();
  if (bytes.size() > limits::kManifestBytesMax) {
    return bad("size", "at most " + std::to_string(limits::kManifestBytesMax) + " bytes", std::to_string(bytes.size()));
  }
  return bytes;
}

bool valid_cage_name(std::string_view name) {
  return !name.empty() && name.size() <= 32 && is_lower(name[0]) &&
         std::ranges::all_of(name, [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

bool valid_variable_name(std::string_view name) {
  return !name.empty() && name.size() <= 128 && !is_digit(name[0]) &&
         std::ranges::all_of(name, [](char c) { return is_lower(c) || is_upper(c) || is_digit(c) || c == '_'; });
}

std::string_view to_text(TlsMode mode) { return mode == TlsMode::terminate ? "terminate" : "passthrough"; }
std::string_view to_text(HealthKind kind) {
  return kind == HealthKind::none ? "none" : kind == HealthKind::tcp ? "tcp" : "http";
}
std::string_view to_text(Delivery delivery) { return delivery == Delivery::file ? "file" : "env"; }
std::string_view to_text(Restart restart) {
  return restart == Restart::never ? "never" : restart == Restart::on_failure ? "on-failure" : "always";
}
std::string_view to_text(Variant variant) { return variant == Variant::networked ? "networked" : "isolated"; }

}  // namespace cages::wire
