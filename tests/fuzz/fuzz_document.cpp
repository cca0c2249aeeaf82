// SPDX-License-Identifier: Apache-2.0
// Whole documents against whatever root they bring themselves: nothing but the signatures stands between hostile bytes and a
// verdict here.
#include <cstdlib>

#include "attest/verify.h"
#include "wire/cose.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cages;
  const ByteView input(data, size);
  const std::int64_t time = 1'767'225'660;
  std::vector<attest::TrustRoot> roots;
  if (const auto cose = wire::parse_cose_sign1(input)) {
    if (const auto document = wire::parse_payload(cose->payload)) {
      if (auto root = attest::TrustRoot::development(document->cabundle.front())) roots.push_back(std::move(*root));
    }
  }
  policy::AttestationPolicy rules;
  rules.any_pcrs = true;
  rules.allow_debug = true;
  const auto verified = attest::verify(input, roots, time, policy::admit(rules).value());
  if (verified && roots.empty()) std::abort();
  return 0;
}
