// SPDX-License-Identifier: Apache-2.0
#include "runtime/app/listening.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>

#include "base/limits.h"
#include "base/text.h"

namespace cages::runtime {
namespace {

constexpr std::string_view kListen = "0A";  // TCP_LISTEN, include/net/tcp_states.h

template <class Number>
std::optional<Number> number(std::string_view text, int base) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<std::string_view> columns(std::string_view line) {
  std::vector<std::string_view> result;
  for (const std::string_view part : split(line, ' ')) {
    if (!part.empty()) result.push_back(part);
  }
  return result;
}

// The kernel prints each 32-bit word of the address as this machine holds it.
std::optional<std::string> address_text(std::string_view digits) {
  if (digits.size() != 8 && digits.size() != 32) return std::nullopt;
  std::array<std::uint32_t, 4> words{};
  for (std::size_t i = 0; i < digits.size() / 8; ++i) {
    const auto word = number<std::uint32_t>(digits.substr(i * 8, 8), 16);
    if (!word) return std::nullopt;
    words[i] = *word;
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = digits.size() == 8 ? AF_INET : AF_INET6;
  if (inet_ntop(family, words.data(), text.data(), text.size()) == nullptr) return std::nullopt;
  return std::string(text.data());
}

std::optional<ListeningPort> parse_row(std::string_view line) {
  const std::vector<std::string_view> parts = columns(line);
  if (parts.size() < 8 || parts[3] != kListen) return std::nullopt;
  const std::size_t colon = parts[1].find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto address = address_text(parts[1].substr(0, colon));
  const auto port = number<std::uint16_t>(parts[1].substr(colon + 1), 16);
  const auto uid = number<std::uint32_t>(parts[7], 10);
  if (!address || !port || !uid) return std::nullopt;
  return ListeningPort{*address, *port, *uid};
}

}  // namespace

std::vector<ListeningPort> parse_listening(std::string_view table) {
  std::vector<ListeningPort> ports;
  for (const std::string_view line : split(table, '\n')) {
    if (ports.size() == limits::kListeningPortsMax) break;
    if (auto port = parse_row(line)) ports.push_back(std::move(*port));
  }
  return ports;
}

std::string describe_listening(const std::vector<ListeningPort>& ports, std::uint16_t wanted,
                               const std::vector<std::uint16_t>& ours) {
  std::vector<std::string> texts;
  for (const ListeningPort& port : ports) {
    if (std::ranges::find(ours, port.port) != ours.end()) continue;
    const bool v6 = port.address.find(':') != std::string::npos;
    std::string text = (v6 ? "[" + port.address + "]" : port.address) + ":" + std::to_string(port.port);
    if (std::ranges::find(texts, text) == texts.end()) texts.push_back(std::move(text));
  }
  std::string sentence = "port " + std::to_string(wanted) + " does not answer; the app listens on ";
  if (texts.empty()) return sentence + "nothing";
  for (std::size_t i = 0; i < texts.size(); ++i) sentence += (i == 0 ? "" : ", ") + texts[i];
  return sentence;
}

}  // namespace cages::runtime
