// SPDX-License-Identifier: Apache-2.0
// One certificate, and chains of any certificates laid end to end (each with a two-byte length before it).
#include "attest/core/chain.h"
#include "wire/x509.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  cages::ByteView input(data, size);
  if (const auto one = cages::wire::parse_certificate(input)) {
    (void)cages::wire::common_name(one->subject);
    (void)cages::attest::walk_chain(std::vector{*one, *one}, one->not_after);
  }
  std::vector<cages::wire::Certificate> chain;
  while (input.size() > 2) {
    const std::size_t length = std::min<std::size_t>(static_cast<std::size_t>(input[0]) << 8 | input[1], input.size() - 2);
    if (auto parsed = cages::wire::parse_certificate(input.subspan(2, length))) chain.push_back(std::move(*parsed));
    input = input.subspan(2 + length);
  }
  (void)cages::attest::walk_chain(chain, 1'767'225'660);
  return 0;
}
