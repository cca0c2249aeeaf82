// SPDX-License-Identifier: Apache-2.0
#include "image/health.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/limits.h"
#include "base/text.h"

namespace cages::image {
namespace {

constexpr std::uint32_t kDefaultIntervalMs = 5000;

// Splits a shell line into words as far as it is one simple command; nothing where the shell would do more than that.
std::optional<std::vector<std::string>> simple_command(std::string_view line) {
  constexpr std::string_view kSpecial = "$`\\;&|<>(){}*?[]#~!\n";
  std::vector<std::string> words;
  std::string word;
  bool open = false;
  char quote = '\0';
  for (const char c : line) {
    if (quote != '\0') {
      if (c == quote) {
        quote = '\0';
      } else if (quote == '"' && (c == '$' || c == '`' || c == '\\')) {
        return std::nullopt;
      } else {
        word += c;
      }
    } else if (c == '"' || c == '\'') {
      quote = c;
      open = true;
    } else if (c == ' ' || c == '\t') {
      if (open) words.push_back(std::exchange(word, {}));
      open = false;
    } else if (kSpecial.find(c) != std::string_view::npos) {
      return std::nullopt;
    } else {
      word += c;
      open = true;
    }
  }
  if (quote != '\0') return std::nullopt;
  if (open) words.push_back(word);
  return words;
}

// What people write after a probe: none of it changes whether it succeeds.
std::string_view without_tail(std::string_view line) {
  constexpr auto kTails =
      std::to_array<std::string_view>({"|| exit 1", "||exit 1", "|| false", "|| kill 1", "> /dev/null 2>&1",
                                       ">/dev/null 2>&1", "> /dev/null", ">/dev/null", "2>&1"});
  for (bool again = true; again;) {
    again = false;
    line = trim(line);
    for (const std::string_view tail : kTails) {
      if (!line.ends_with(tail)) continue;
      line.remove_suffix(tail.size());
      again = true;
    }
  }
  return line;
}

bool is_here(std::string_view host) {
  return host == "localhost" || host == "127.0.0.1" || host == "[::1]" || host == "0.0.0.0" || host == "::1";
}

std::optional<std::uint16_t> port_number(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool good = error == std::errc() && end == text.data() + text.size() && port != 0;
  return good ? std::optional(port) : std::nullopt;
}

std::optional<wire::Health> http_probe(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  if (url.starts_with(kScheme)) {
    url.remove_prefix(kScheme.size());
  } else if (url.find("://") != std::string_view::npos) {
    return std::nullopt;
  }
  const std::size_t slash = url.find('/');
  const std::string_view authority = url.substr(0, slash);
  const std::size_t colon = authority.rfind(':');
  const bool has_port = colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
  if (!is_here(has_port ? authority.substr(0, colon) : authority)) return std::nullopt;
  const auto port = has_port ? port_number(authority.substr(colon + 1)) : std::optional<std::uint16_t>(80);
  if (!port) return std::nullopt;
  wire::Health health;
  health.kind = wire::HealthKind::http;
  health.path = slash == std::string_view::npos ? "/" : std::string(url.substr(slash, url.find('#') - slash));
  health.port = *port;
  const bool clean = std::ranges::all_of(health.path, [](char c) { return c > ' ' && c < 0x7f; });
  return clean ? std::optional(health) : std::nullopt;
}

// Flags that leave the question the same: a GET that must succeed. Those in the second list take a value.
constexpr auto kCurlFlags = std::to_array<std::string_view>({"-f",
                                                             "--fail",
                                                             "-s",
                                                             "--silent",
                                                             "-S",
                                                             "--show-error",
                                                             "-sS",
                                                             "-sf",
                                                             "-fs",
                                                             "-fsS",
                                                             "-sfS",
                                                             "-sSf",
                                                             "-fSs",
                                                             "-fL",
                                                             "-L",
                                                             "-fsSL",
                                                             "-sSfL",
                                                             "-fsL",
                                                             "--location",
                                                             "-k",
                                                             "-fk",
                                                             "-fsk",
                                                             "-i",
                                                             "-fi",
                                                             "-I",
                                                             "-fI",
                                                             "-sfI",
                                                             "--head",
                                                             "-4",
                                                             "--ipv4",
                                                             "-v",
                                                             "-fv",
                                                             "--http1.1",
                                                             "--no-progress-meter",
                                                             "--fail-with-body",
                                                             "--compressed"});
constexpr auto kCurlValued = std::to_array<std::string_view>(
    {"-o", "--output", "-m", "--max-time", "--connect-timeout", "--retry", "--retry-delay", "--retry-max-time"});
constexpr auto kWgetFlags = std::to_array<std::string_view>(
    {"-q", "--quiet", "--spider", "-qO-", "-O-", "-S", "--server-response", "-nv", "--no-verbose", "-4", "-qO/dev/null",
     "--no-check-certificate", "--output-document=/dev/null", "--output-document=-", "-qSO-"});
constexpr auto kWgetValued =
    std::to_array<std::string_view>({"-O", "-qO", "-T", "-t", "--timeout", "--tries", "--output-document"});

bool is_one_of(std::span<const std::string_view> words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

// The one URL among known flags; nothing where a flag is unknown.
std::optional<std::string_view> only_url(std::span<const std::string> words, std::span<const std::string_view> flags,
                                         std::span<const std::string_view> valued) {
  std::optional<std::string_view> url;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (!word.starts_with('-') || word.size() == 1) {
      if (url) return std::nullopt;
      url = word;
    } else if (is_one_of(valued, word)) {
      ++i;
    } else if (!is_one_of(flags, word.substr(0, word.starts_with("--t") ? word.find('=') : std::string_view::npos)) &&
               !is_one_of(valued, word.substr(0, word.find('=')))) {
      return std::nullopt;
    }
  }
  return url;
}

// Without -f, curl succeeds whatever the server answers: that asks only for somebody who answers.
bool asks_for_success(std::span<const std::string> words) {
  return std::ranges::any_of(words, [](const std::string& word) {
    return word.starts_with("--fail") ||
           (word.starts_with('-') && !word.starts_with("--") && word.find('f') != std::string::npos);
  });
}

std::optional<wire::Health> recognise_nc(std::span<const std::string> words) {
  std::vector<std::string_view> plain;
  bool scan = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word == "-w") {
      ++i;
    } else if (word == "-z" || word == "-zv" || word == "-vz") {
      scan = true;
    } else if (word == "-v" || word.starts_with("-w")) {
      continue;
    } else if (word.starts_with('-')) {
      return std::nullopt;
    } else {
      plain.push_back(word);
    }
  }
  if (!scan || plain.size() != 2 || !is_here(plain[0])) return std::nullopt;
  const auto port = port_number(plain[1]);
  if (!port) return std::nullopt;
  wire::Health health;
  health.kind = wire::HealthKind::tcp;
  health.port = *port;
  return health;
}

std::optional<wire::Health> recognise(std::span<const std::string> words) {
  if (words.size() < 2) return std::nullopt;
  const std::string_view program = std::string_view(words[0]).substr(words[0].rfind('/') + 1);
  const auto rest = words.subspan(1);
  if (program == "nc" || program == "ncat") return recognise_nc(rest);
  const bool curl = program == "curl";
  if (!curl && program != "wget") return std::nullopt;
  const auto url = curl ? only_url(rest, kCurlFlags, kCurlValued) : only_url(rest, kWgetFlags, kWgetValued);
  if (!url) return std::nullopt;
  auto health = http_probe(*url);
  if (health && curl && !asks_for_success(rest)) {
    health->kind = wire::HealthKind::tcp;
    health->path.clear();
  }
  return health;
}

}  // namespace

std::optional<wire::Health> recognise_probe(const Healthcheck& check) {
  if (check.test.empty()) return std::nullopt;
  if (check.test[0] == "NONE") return wire::Health{};
  std::optional<wire::Health> health;
  if (check.test[0] == "CMD") {
    health = recognise(std::span(check.test).subspan(1));
  } else if (check.test[0] == "CMD-SHELL" && check.test.size() == 2) {
    const auto words = simple_command(without_tail(check.test[1]));
    if (words) health = recognise(*words);
  }
  if (!health) return std::nullopt;
  const std::int64_t asked_ms = check.interval_ns / 1'000'000;
  health->interval_ms = asked_ms <= 0 ? kDefaultIntervalMs
                                      : static_cast<std::uint32_t>(std::clamp<std::int64_t>(
                                            asked_ms, limits::kHealthIntervalMsMin, limits::kHealthIntervalMsMax));
  return health;
}

}  // namespace cages::image
