// SPDX-License-Identifier: Apache-2.0
#include "nsm/options.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include "base/paths.h"
#include "base/text.h"

namespace cages::nsm {
namespace {

constexpr int kFdMax = 1 << 20;
constexpr double kLatencyMsMax = 10'000;
constexpr std::uint32_t kUidMax = 0xfffffffe;
constexpr std::array<std::uint16_t, 3> kRequiredPcrs{0, 1, 2};

template <class T>
Result<T> parse_number(std::string_view name, std::string_view text, T least, T most) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !(value >= least && value <= most)) {
    return fail(Code::USAGE, std::string(name), "a number from " + std::to_string(least) + " to " + std::to_string(most),
                printable(text));
  }
  return value;
}

// What was given, each at most once but for --pcr.
struct Given {
  std::optional<std::string_view> channel;
  std::optional<std::string_view> module_id;
  std::optional<std::string_view> state;
  std::optional<std::string_view> latency;
  std::optional<std::string_view> uid;
  std::vector<std::string_view> pcrs;
  bool json = false;
};

Result<std::string_view> required(const std::optional<std::string_view>& value, std::string_view name) {
  if (value) return *value;
  return fail(Code::USAGE, std::string(name), "a value", "none");
}

Result<Given> collect(std::span<const std::string_view> arguments, bool serve) {
  Given given;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view name = arguments[i];
    if (!serve && name == "--json") {
      given.json = true;
      continue;
    }
    std::optional<std::string_view>* into = name == "--state"                ? &given.state
                                            : serve && name == "--channel"   ? &given.channel
                                            : serve && name == "--module-id" ? &given.module_id
                                            : serve && name == "--latency"   ? &given.latency
                                            : serve && name == "--uid"       ? &given.uid
                                                                             : nullptr;
    const bool pcr = serve && name == "--pcr";
    if (into == nullptr && !pcr) return fail(Code::USAGE, printable(name), "an option that --help names", "another");
    if (i + 1 == arguments.size()) return fail(Code::USAGE, std::string(name), "a value", "none");
    const std::string_view value = arguments[++i];
    if (pcr) {
      given.pcrs.push_back(value);
    } else {
      if (*into) return fail(Code::USAGE, std::string(name), "once", "twice");
      *into = value;
    }
  }
  return given;
}

Result<PlatformPcrs> parse_pcrs(const std::vector<std::string_view>& texts) {
  PlatformPcrs pcrs{};
  std::array<bool, kPlatformPcrs> seen{};
  for (const std::string_view text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) return fail(Code::USAGE, "--pcr", "N=HEX", printable(text));
    TRY_ASSIGN(const auto index, parse_number<std::uint16_t>("--pcr", text.substr(0, equals), 0, kPlatformPcrs - 1));
    const auto value = parse_hex(text.substr(equals + 1));
    if (!value || value->size() != Pcr{}.size()) {
      return fail(Code::USAGE, "--pcr " + std::to_string(index), "48 bytes in hex", printable(text));
    }
    if (seen.at(index)) return fail(Code::USAGE, "--pcr " + std::to_string(index), "once", "twice");
    seen.at(index) = true;
    std::ranges::copy(*value, pcrs.at(index).begin());
  }
  for (const std::uint16_t index : kRequiredPcrs) {
    // A register left out by mistake would be zero, which means debug.
    if (!seen.at(index)) return fail(Code::USAGE, "--pcr " + std::to_string(index), "a value", "none");
  }
  return pcrs;
}

Result<ServeOptions> serve_options(const Given& given) {
  TRY_ASSIGN(const auto channel_text, required(given.channel, "--channel"));
  TRY_ASSIGN(const int channel, parse_number<int>("--channel", channel_text, 0, kFdMax));
  TRY_ASSIGN(const auto module_text, required(given.module_id, "--module-id"));
  TRY_ASSIGN(ModuleId module, ModuleId::parse(module_text));
  TRY_ASSIGN(const auto state, required(given.state, "--state"));
  TRY_ASSIGN(const PlatformPcrs pcrs, parse_pcrs(given.pcrs));
  TRY_ASSIGN(const double latency_ms, parse_number<double>("--latency", given.latency.value_or("0"), 0, kLatencyMsMax));
  TRY_ASSIGN(const auto uid, parse_number<std::uint32_t>("--uid", given.uid.value_or("0"), 0, kUidMax));
  const std::chrono::duration<double, std::milli> latency(latency_ms);
  return ServeOptions{channel, std::move(module), state, pcrs,
                      std::chrono::duration_cast<std::chrono::microseconds>(latency), uid};
}

}  // namespace

Result<Options> parse_options(std::span<const std::string_view> arguments) {
  if (arguments.empty()) return fail(Code::USAGE, "", "serve or root", "nothing");
  const std::string_view command = arguments[0];
  if (std::ranges::any_of(arguments, [](std::string_view a) { return a == "--help" || a == "-h"; })) return HelpOptions{};
  if (command != "serve" && command != "root") return fail(Code::USAGE, "", "serve or root", printable(command));
  TRY_ASSIGN(const Given given, collect(arguments.subspan(1), command == "serve"));
  if (command == "serve") {
    TRY_ASSIGN(ServeOptions options, serve_options(given));
    return options;
  }
  if (given.state) return RootOptions{*given.state, given.json};
  TRY_ASSIGN(const std::filesystem::path state, user_folder(UserFolder::state));
  return RootOptions{state / "nsm", given.json};
}

}  // namespace cages::nsm
