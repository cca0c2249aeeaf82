// SPDX-License-Identifier: Apache-2.0
// Every parser of the control stream and the life-cycle port: nothing crashes, and what is accepted is written back
// byte for byte.
#include "wire/control.h"

#include <cstdlib>

#include "wire/lifecycle.h"

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
  if (const auto up = cages::wire::parse_control_up(payload)) require_same(payload, cages::wire::write_control(*up));
  if (const auto down = cages::wire::parse_control_down(payload))
    require_same(payload, cages::wire::write_control(*down));
  if (const auto request = cages::wire::parse_lifecycle_request(payload))
    require_same(payload, cages::wire::write_lifecycle(*request));
  if (const auto answer = cages::wire::parse_state_answer(payload))
    require_same(payload, cages::wire::write_lifecycle(*answer));
  return 0;
}
