// SPDX-License-Identifier: Apache-2.0
#include "client/measurements.h"

#include <algorithm>
#include <array>

#include "crypto/key.h"
#include "crypto/release_statement.h"

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
  for (const std::uint8_t index : std::to_array<std::uint8_t>({0, 1, 2, 8})) {
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

Result<policy::PcrSet> parse_release(std::string_view file, std::string_view release_key) {
  TRY_ASSIGN(const crypto::PublicKey key, crypto::PublicKey::from_pem(release_key));
  TRY_ASSIGN(const wire::ReleaseStatement statement, crypto::verify_release_file(file, key));
  policy::PcrSet set;
  set.pcrs = {{0, statement.pcr0}, {1, statement.pcr1}, {2, statement.pcr2}};
  if (statement.pcr8) set.pcrs[8] = *statement.pcr8;
  set.counter = statement.counter;
  set.not_after = statement.not_after;
  return set;
}

}  // namespace cages::client
