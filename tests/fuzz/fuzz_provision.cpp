// SPDX-License-Identifier: Apache-2.0
// Every parser of provisioning and of the host link: nothing crashes, and what is accepted is written back byte for byte.
#include <cstdlib>

#include "wire/engine_token.h"
#include "wire/enrol_code.h"
#include "wire/frame.h"
#include "wire/host_link.h"
#include "wire/provision.h"
#include "wire/runtime_key_set.h"

namespace {

using namespace cages;

void require_same(ByteView payload, const Bytes& frame) {
  if (!equal(payload, ByteView(frame).subspan(wire::kFrameLengthBytes))) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const Byte* data, std::size_t size) {
  const ByteView payload(data, size);
  if (const auto m = wire::parse_provision_hello(payload)) require_same(payload, wire::write_provision(*m));
  if (const auto m = wire::parse_provision_answer(payload)) require_same(payload, wire::write_provision(*m));
  if (const auto m = wire::parse_host_opening(payload)) require_same(payload, wire::write_host_link(*m));
  if (const auto m = wire::parse_host_session_up(payload)) require_same(payload, wire::write_host_link(*m));
  if (const auto m = wire::parse_host_link_down(payload)) require_same(payload, wire::write_host_link(*m));
  if (const auto m = wire::parse_key_set(payload)) {
    const auto written = wire::write_key_set(*m);
    if (!written || !equal(payload, *written)) std::abort();
  }
  if (const auto m = wire::parse_provision_secrets(Secret::copy_of(payload))) {
    const auto written = wire::write_provision_secrets(*m);
    if (!written || !equal(payload, written->reveal())) std::abort();
  }
  if (const auto m = wire::parse_engine_token(as_text(payload))) {
    if (wire::write_token(wire::write_engine_token_head(m->key_id, m->claims), m->signature) != as_text(payload)) std::abort();
  }
  (void)wire::parse_enrol_code(as_text(payload));
  return 0;
}
