// SPDX-License-Identifier: Apache-2.0
#include "host/drivers/report.h"

#include <algorithm>

#include "base/limits.h"
#include "wire/frame.h"

namespace cages::drivers {
namespace {

constexpr std::uint64_t kVersion = 1;
enum Type : std::uint64_t { plan_type = 0, checked_type = 1, unpacked_type = 2, begun_type = 3, failed_type = 4, ended_type = 5 };
constexpr std::size_t kTextBytesMax = 512;
constexpr std::size_t kIdBytesMax = 64;

std::string cut(const std::string& text) { return printable(text, kTextBytesMax - 4); }

Result<crypto::Digest384> digest(wire::FieldReader& fields, std::uint64_t key, std::string_view name) {
  crypto::Digest384 out{};
  TRY_ASSIGN(const ByteView bytes, fields.bytes(key, name, out.size()));
  if (bytes.size() != out.size()) {
    return fail(Code::TYPE, std::string(name), std::to_string(out.size()) + " bytes", std::to_string(bytes.size()));
  }
  std::ranges::copy(bytes, out.begin());
  return out;
}

Bytes write(const Checked& r) {
  return wire::FrameWriter(checked_type, kVersion, 5).bytes(1, r.pcr0).bytes(2, r.pcr1).bytes(3, r.pcr2).bytes(4, r.pcr8)
      .uint(5, r.nanoseconds).take();
}
Bytes write(const Unpacked& r) {
  return wire::FrameWriter(unpacked_type, kVersion, 4).uint(1, r.entries).uint(2, r.bytes).uint(3, r.left_out)
      .uint(4, r.nanoseconds).take();
}
Bytes write(const Begun&) { return wire::FrameWriter(begun_type, kVersion, 0).take(); }
Bytes write(const Failed& r) {
  return wire::FrameWriter(failed_type, kVersion, 4).text(1, cut(r.code)).text(2, cut(r.subject)).text(3, cut(r.expected))
      .text(4, cut(r.got)).take();
}
Bytes write(const Ended& r) { return wire::FrameWriter(ended_type, kVersion, 2).uint(1, r.exit_code).uint(2, r.signal).take(); }

Result<Report> parse_checked(wire::FieldReader& fields) {
  Checked out;
  TRY_ASSIGN(out.pcr0, digest(fields, 1, "pcr0"));
  TRY_ASSIGN(out.pcr1, digest(fields, 2, "pcr1"));
  TRY_ASSIGN(out.pcr2, digest(fields, 3, "pcr2"));
  TRY_ASSIGN(out.pcr8, digest(fields, 4, "pcr8"));
  TRY_ASSIGN(out.nanoseconds, fields.uint(5, "nanoseconds"));
  TRY(fields.finish());
  return Report(out);
}

Result<Report> parse_unpacked(wire::FieldReader& fields) {
  Unpacked out;
  TRY_ASSIGN(out.entries, fields.uint(1, "entries"));
  TRY_ASSIGN(out.bytes, fields.uint(2, "bytes"));
  TRY_ASSIGN(out.left_out, fields.uint(3, "left out"));
  TRY_ASSIGN(out.nanoseconds, fields.uint(4, "nanoseconds"));
  TRY(fields.finish());
  return Report(out);
}

Result<Report> parse_failed(wire::FieldReader& fields) {
  Failed out;
  TRY_ASSIGN(const auto code, fields.text(1, "code", kTextBytesMax));
  TRY_ASSIGN(const auto subject, fields.text(2, "subject", kTextBytesMax));
  TRY_ASSIGN(const auto expected, fields.text(3, "expected", kTextBytesMax));
  TRY_ASSIGN(const auto got, fields.text(4, "got", kTextBytesMax));
  TRY(fields.finish());
  return Report(Failed{std::string(code), std::string(subject), std::string(expected), std::string(got)});
}

Result<Report> parse_ended(wire::FieldReader& fields) {
  Ended out;
  TRY_ASSIGN(out.exit_code, fields.uint(1, "exit code"));
  TRY_ASSIGN(out.signal, fields.uint(2, "signal"));
  TRY(fields.finish());
  return Report(out);
}

}  // namespace

Bytes write_plan(const Plan& plan) {
  wire::CborWriter ports;
  ports.array(plan.ports.size());
  for (const auto port : plan.ports) ports.uint(port);
  return wire::FrameWriter(plan_type, kVersion, 6)
      .text(1, plan.id)
      .uint(2, plan.memory_bytes)
      .uint(3, plan.processes_max)
      .boolean(4, plan.keep_owners)
      .boolean(5, plan.limit_by_rlimits)
      .raw(6, ports.view())
      .take();
}

Result<Plan> parse_plan(ByteView payload) {
  TRY_ASSIGN(const wire::Frame frame, wire::parse_frame(payload));
  TRY(wire::expect_type(frame, plan_type, kVersion, "plan"));
  TRY_ASSIGN(wire::FieldReader fields, wire::FieldReader::open(frame.fields));
  Plan out;
  TRY_ASSIGN(const auto id, fields.text(1, "id", kIdBytesMax));
  out.id = std::string(id);
  TRY_ASSIGN(out.memory_bytes, fields.uint(2, "memory"));
  TRY_ASSIGN(out.processes_max, fields.uint(3, "processes"));
  TRY_ASSIGN(out.keep_owners, fields.boolean(4, "keep owners"));
  TRY_ASSIGN(out.limit_by_rlimits, fields.boolean(5, "limit by rlimits"));
  TRY_ASSIGN(wire::CborReader* const ports, fields.item(6, "ports"));
  TRY_ASSIGN(const std::uint64_t count, ports->read_array("ports"));
  if (count > limits::kEnclavePortsMax) return fail(Code::LIMIT, "ports");
  for (std::uint64_t i = 0; i < count; ++i) {
    TRY_ASSIGN(const std::uint64_t port, ports->read_uint("port"));
    if (port > UINT32_MAX) return fail(Code::LIMIT, "port");
    out.ports.push_back(static_cast<std::uint32_t>(port));
  }
  TRY(fields.advance());
  TRY(fields.finish());
  return out;
}

Bytes write_report(const Report& report) {
  return std::visit([](const auto& r) { return write(r); }, report);
}

Result<Report> parse_report(ByteView payload) {
  TRY_ASSIGN(const wire::Frame frame, wire::parse_frame(payload));
  TRY(wire::expect_version(frame, kVersion));
  TRY_ASSIGN(wire::FieldReader fields, wire::FieldReader::open(frame.fields));
  switch (frame.type) {
    case checked_type: return parse_checked(fields);
    case unpacked_type: return parse_unpacked(fields);
    case begun_type: {
      TRY(fields.finish());
      return Report(Begun{});
    }
    case failed_type: return parse_failed(fields);
    case ended_type: return parse_ended(fields);
    default: return fail(Code::MESSAGE_TYPE, "report", "1 to 5", std::to_string(frame.type));
  }
}

Failed failed_from(const Error& error) {
  return {std::string(code_info(error.code).name), error.subject, error.expected, error.got};
}

Error to_error(const Failed& failed) {
  Code code = Code::INTERNAL;
#define CAGES_ERROR(name, audience, kind, sentence, next) \
  if (failed.code == #name) code = Code::name;
#include "base/errors.def"
#undef CAGES_ERROR
  return {code, failed.subject, failed.expected, failed.got};
}

}  // namespace cages::drivers
