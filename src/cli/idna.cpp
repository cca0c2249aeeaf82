// SPDX-License-Identifier: Apache-2.0
#include "cli/idna.h"

#include <idn2.h>

#include <algorithm>
#include <memory>

#include "base/bytes.h"

namespace cages::cli {
namespace {

constexpr std::string_view kBelow = "*.";

bool ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

struct Free {
  void operator()(char* text) const { idn2_free(text); }
};

Result<std::string> name_to_ascii(const std::string& name, const std::string& entry) {
  char* raw = nullptr;
  const int status = idn2_to_ascii_8z(name.c_str(), &raw, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  const std::unique_ptr<char, Free> text(raw);
  if (status != IDN2_OK) {
    return fail(Code::EGRESS_ENTRY, printable(entry), "a name that DNS can hold (IDNA2008)", idn2_strerror(status));
  }
  return std::string(text.get());
}

}  // namespace

Result<void> to_a_labels(std::vector<std::string>& entries) {
  for (std::string& entry : entries) {
    if (ascii(entry)) continue;
    if (entry.find('\0') != std::string::npos) return fail(Code::EGRESS_ENTRY, printable(entry), "a name", "a NUL");
    const std::size_t colon = std::min(entry.find(':'), entry.size());
    const std::size_t from = entry.starts_with(kBelow) ? kBelow.size() : 0;
    TRY_ASSIGN(const std::string name, name_to_ascii(entry.substr(from, colon - from), entry));
    entry = entry.substr(0, from) + name + entry.substr(colon);
  }
  return {};
}

}  // namespace cages::cli
