// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <type_traits>

#include "image/compare.h"

namespace cages::image {
namespace {

using wire::Manifest;

constexpr std::size_t kShownCharactersMax = 200;

bool holds(const std::vector<std::string>& list, const std::string& item) {
  return std::ranges::find(list, item) != list.end();
}

std::string quoted(const std::string& text) { return '"' + printable(text, kShownCharactersMax) + '"'; }
std::string shown(const std::string& text) { return text.empty() ? "none" : quoted(text); }
std::string shown(bool value) { return value ? "on" : "off"; }
template <class T>
  requires std::is_integral_v<T>
std::string shown(T value) {
  return std::to_string(value);
}

std::string join(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + quoted(word);
  return out.empty() ? "none" : out;
}

std::string shown(const wire::User& user) {
  std::string out = std::to_string(user.uid) + ":" + std::to_string(user.gid);
  for (const std::uint32_t group : user.groups) out += "+" + std::to_string(group);
  return out;
}

std::string shown(const wire::Health& health) {
  std::string out(to_text(health.kind));
  if (health.kind == wire::HealthKind::none) return out;
  return out + " " + health.path + " port " + std::to_string(health.port) + " every " +
         std::to_string(health.interval_ms) + " ms";
}

class Sentences {
 public:
  template <class T>
  void setting(std::string_view name, const T& before, const T& after) {
    if (before == after) return;
    add(name, shown(before), shown(after));
  }
  template <class T>
  void word(std::string_view name, T before, T after) {
    if (before == after) return;
    add(name, std::string(to_text(before)), std::string(to_text(after)));
  }
  void ordered(std::string_view name, const std::vector<std::string>& before, const std::vector<std::string>& after) {
    if (before != after) add(name, join(before), join(after));
  }
  // A list whose order says nothing to people: what came and what went.
  void list(std::string_view name, const std::vector<std::string>& before, const std::vector<std::string>& after) {
    if (before == after) return;
    std::string text = "setting " + std::string(name) + ":";
    for (const std::string& item : before) {
      if (!holds(after, item)) text += " -" + quoted(item);
    }
    for (const std::string& item : after) {
      if (!holds(before, item)) text += " +" + quoted(item);
    }
    out.push_back(std::move(text));
  }
  std::vector<std::string> out;

 private:
  void add(std::string_view name, const std::string& before, const std::string& after) {
    out.push_back("setting " + std::string(name) + ": " + before + " -> " + after);
  }
};

std::vector<std::string> variables(const Manifest& manifest) {
  std::vector<std::string> out;
  for (const wire::Variable& variable : manifest.environment) out.push_back(variable.name + "=" + variable.value);
  return out;
}

std::vector<std::string> secrets(const Manifest& manifest) {
  std::vector<std::string> out;
  for (const wire::SecretName& secret : manifest.secrets)
    out.push_back(secret.name + " by " + std::string(to_text(secret.delivery)));
  return out;
}

std::string roots(const Manifest& manifest) {
  std::string out;
  for (const wire::RootHash& root : manifest.platform_roots)
    out += (out.empty() ? "" : " ") + hex(ByteView(root).first(8)) + "...";
  return out.empty() ? "none" : out;
}

void compare_running(const Manifest& a, const Manifest& b, Sentences& to) {
  to.setting("name", a.name, b.name);
  to.ordered("command", a.command, b.command);
  to.list("environment", variables(a), variables(b));
  to.setting("user", a.user, b.user);
  to.setting("workdir", a.workdir, b.workdir);
  to.setting("stop signal", a.stop_signal, b.stop_signal);
  to.word("restart", a.restart, b.restart);
  to.setting("health", a.health, b.health);
  to.word("runtime build", a.variant, b.variant);
}

void compare_reach(const Manifest& a, const Manifest& b, Sentences& to) {
  to.setting("port", a.port, b.port);
  to.word("tls", a.tls, b.tls);
  to.list("client_ca", a.client_cas, b.client_cas);
  to.list("egress", a.egress, b.egress);
  to.list("trusted headers", a.trusted_headers, b.trusted_headers);
  to.list("secrets", secrets(a), secrets(b));
  to.setting("auth.api_key", a.api_key, b.api_key);
  to.setting("decrypt.public", a.decrypt_public, b.decrypt_public);
  to.list("decrypt.routes", a.decrypt_routes, b.decrypt_routes);
  to.setting("local_api.token", a.local_api_token, b.local_api_token);
  to.setting("legacy_attestation", a.legacy_attestation, b.legacy_attestation);
  to.setting("logs.app", a.log_app, b.log_app);
  to.setting("logs.context", a.log_context, b.log_context);
  to.setting("logs.query", a.log_query, b.log_query);
}

}  // namespace

std::vector<std::string> compare_manifests(const Manifest& before, const Manifest& after) {
  Sentences sentences;
  if (before.platform_roots != after.platform_roots) {
    sentences.out.push_back("operator (platform root) differs: " + roots(before) + " -> " + roots(after));
  }
  compare_running(before, after, sentences);
  compare_reach(before, after, sentences);
  if (sentences.out.empty() && before != after)
    sentences.out.emplace_back("the manifest differs in the order of a list");
  return sentences.out;
}

}  // namespace cages::image
