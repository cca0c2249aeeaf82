// SPDX-License-Identifier: Apache-2.0
// The egress and name-query messages: nothing crashes, and what is accepted is written back byte for byte.
#include <cstdlib>

#include "wire/egress.h"
#include "wire/frame.h"
#include "wire/name_query.h"

namespace {

using cages::Byte;
using cages::Bytes;
using cages::ByteView;

void require_same(ByteView payload, const Bytes& frame) {
  if (!cages::equal(payload, ByteView(frame).subspan(cages::wire::kFrameLengthBytes))) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const Byte* data, std::size_t size) {
  const ByteView payload(data, size);
  if (const auto open = cages::wire::parse_egress_open(payload)) require_same(payload, cages::wire::write_egress(*open));
  if (const auto answer = cages::wire::parse_egress_answer(payload)) require_same(payload, cages::wire::write_egress(*answer));
  if (const auto query = cages::wire::parse_name_query(payload)) require_same(payload, cages::wire::write_name_query(*query));
  if (const auto answer = cages::wire::parse_name_answer(payload))
    require_same(payload, cages::wire::write_name_answer(*answer));
  return 0;
}
