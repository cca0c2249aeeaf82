// SPDX-License-Identifier: Apache-2.0
#include "wire/lifecycle.h"

#include "base/limits.h"

namespace cages::wire {
namespace {

enum Type : std::uint64_t { kDrain = 32, kQuery = 33, kState = 34 };

}  // namespace

Bytes write_lifecycle(const LifecycleRequest& request) {
  if (const auto* drain = std::get_if<DrainRequest>(&request)) {
    return FrameWriter(kDrain, kLifecycleVersion, 1).uint(1, drain->deadline_ms).take();
  }
  return FrameWriter(kQuery, kLifecycleVersion, 0).take();
}

Bytes write_lifecycle(const StateAnswer& answer) {
  return FrameWriter(kState, kLifecycleVersion, 5)
      .uint(1, static_cast<std::uint64_t>(answer.state))
      .text(2, std::string_view(answer.stage).substr(0, limits::kControlWordBytesMax))
      .text(3, std::string_view(answer.code).substr(0, limits::kControlWordBytesMax))
      .uint(4, answer.in_flight)
      .uint(5, answer.uptime_ns)
      .take();
}

Result<LifecycleRequest> parse_lifecycle_request(ByteView payload) {
  TRY_ASSIGN(const Frame frame, parse_frame(payload));
  TRY(expect_version(frame, kLifecycleVersion));
  TRY_ASSIGN(FieldReader fields, FieldReader::open(frame.fields));
  if (frame.type == kQuery) {
    TRY(fields.finish());
    return LifecycleRequest(StateQuery{});
  }
  TRY(expect_type(frame, kDrain, kLifecycleVersion, "drain or query"));
  TRY_ASSIGN(const std::uint64_t deadline_ms, fields.uint(1, "deadline_ms"));
  TRY(fields.finish());
  return LifecycleRequest(DrainRequest{deadline_ms});
}

Result<StateAnswer> parse_state_answer(ByteView payload) {
  TRY_ASSIGN(const Frame frame, parse_frame(payload));
  TRY(expect_type(frame, kState, kLifecycleVersion, "state"));
  TRY_ASSIGN(FieldReader fields, FieldReader::open(frame.fields));
  StateAnswer answer;
  TRY_ASSIGN(const std::uint64_t state, fields.uint(1, "state"));
  if (state > static_cast<std::uint64_t>(CageState::failed))
    return fail(Code::TYPE, "state", "a known state", std::to_string(state));
  answer.state = static_cast<CageState>(state);
  TRY_ASSIGN(const std::string_view stage, fields.text(2, "stage", limits::kControlWordBytesMax));
  TRY_ASSIGN(const std::string_view code, fields.text(3, "code", limits::kControlWordBytesMax));
  answer.stage = stage;
  answer.code = code;
  TRY_ASSIGN(answer.in_flight, fields.uint(4, "in_flight"));
  TRY_ASSIGN(answer.uptime_ns, fields.uint(5, "uptime_ns"));
  TRY(fields.finish());
  return answer;
}

}  // namespace cages::wire
