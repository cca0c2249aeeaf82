// SPDX-License-Identifier: Apache-2.0
// Release statement (design §5): which measurements an app's developer released, and until when. What is signed is
// canonical CBOR
// ["cages/release", 1, {1: app, 2: counter, 3: {0: PCR0, 1: PCR1, 2: PCR2, 8: PCR8 where signed}, 4: runtime, 5: not
// after}]. Signing and the file around it: crypto/release_statement.h.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace cages::wire {

struct ReleaseStatement {
  using Pcr = std::array<Byte, 48>;
  std::string app;
  std::uint64_t counter = 0;  // never goes down from one release to the next
  Pcr pcr0{};
  Pcr pcr1{};
  Pcr pcr2{};
  std::optional<Pcr> pcr8;     // where the image is signed
  std::string runtime;         // for people: the release that PCR1 is
  std::int64_t not_after = 0;  // Unix seconds; a policy made of the statement ends with it
  friend bool operator==(const ReleaseStatement&, const ReleaseStatement&) = default;
};

// write_release_statement: RELEASE_STATEMENT where parse_release_statement would refuse the result.
Result<Bytes> write_release_statement(const ReleaseStatement& statement);
// untrusted: parse_release_statement accepts exactly what write_release_statement writes; RELEASE_STATEMENT or CBOR's
// classes else.
Result<ReleaseStatement> parse_release_statement(ByteView bytes);

}  // namespace cages::wire
