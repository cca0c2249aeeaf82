// SPDX-License-Identifier: Apache-2.0
#include "client/measurements.h"

#include <algorithm>

namespace cages::client {
namespace {

Result<Pcr> parse_pcr(const std::string& name, const std::string& text) {
  const auto bytes = parse_hex(text);
  Pcr pcr{};
  if (!bytes || bytes->size() != pcr.size()) return fail(Code::MEASUREMENTS, name, "96 hexadecimal digits", printable(text));
  std::ranges::copy(*bytes, pcr.begin());
  return pcr;
}

}  // namespace

Result<policy::PcrSet> parse_measurements(const Json& json) {
  const Json* inner = json.find("Measurements");
  if (inner == nullptr) inner = &json;
  policy::PcrSet set;
  for (const std::uint8_t index : {0, 1, 2, 8}) {
    const std::string name = "PCR" + std::to_string(index);
    const Json* member = inner->find(name);
    if (member == nullptr || member->as_string() == nullptr) {
      if (index == 8) continue;
      return fail(Code::MEASUREMENTS, name, "96 hexadecimal digits", "none");
    }
    TRY_ASSIGN(const Pcr pcr, parse_pcr(name, *member->as_string()));
    // An image that is not signed shows zeros there, which name nothing.
    if (index == 8 && all_zero(pcr)) continue;
    set.pcrs[index] = pcr;
  }
  return set;
}

}  // namespace cages::client
