// SPDX-License-Identifier: Apache-2.0
#include "wire/host_link.h"

#include <algorithm>
#include <functional>

#include "base/limits.h"
#include "wire/frame.h"

namespace cages::wire {
namespace {

enum Type : std::uint64_t {
  kEnrol = 64,
  kSession = 65,
  kImage = 66,
  kProvisioner = 67,
  kEnrolled = 68,
  kImageHead = 69,
  kAccepted = 70,
  kRefused = 71,
  kAssignments = 72,
  kTokenRequest = 73,
  kToken = 74,
  kTokenRefused = 75,
  kReport = 76,
  kEgressList = 77,
  kAlive = 78,
};

Result<std::string> read_word(FieldReader& fields, std::uint64_t key, std::string_view name, std::size_t bytes_max) {
  TRY_ASSIGN(const std::string_view text, fields.text(key, name, bytes_max));
  return std::string(text);
}

// read_list reads an array of at most `count_max` items by `one`.
Result<void> read_list(CborReader& reader, std::string_view name, std::size_t count_max,
                       const std::function<Result<void>(CborReader&)>& one) {
  TRY_ASSIGN(const std::uint64_t count, reader.read_array(name));
  if (count > count_max) return fail(Code::LIMIT, std::string(name), std::to_string(count_max), std::to_string(count));
  for (std::uint64_t i = 0; i < count; ++i) TRY(one(reader));
  return {};
}

Result<std::vector<std::string>> read_texts(CborReader& reader, std::string_view name, std::size_t count_max,
                                            std::size_t bytes_max) {
  std::vector<std::string> out;
  const auto one = [&](CborReader& at) -> Result<void> {
    TRY_ASSIGN(const std::string_view text, at.read_text(name));
    if (text.size() > bytes_max) return fail(Code::LIMIT, std::string(name), std::to_string(bytes_max) + " bytes");
    out.emplace_back(text);
    return {};
  };
  TRY(read_list(reader, name, count_max, one));
  return out;
}

Bytes encode_texts(const std::vector<std::string>& texts) {
  CborWriter writer;
  writer.array(texts.size());
  for (const std::string& text : texts) writer.text(text);
  return writer.take();
}

constexpr std::uint64_t kAssignmentItems = 11;

void write_assignment(CborWriter& writer, const Assignment& a) {
  writer.array(kAssignmentItems).bytes(a.deployment).text(a.cage).raw(encode_texts(a.names)).text(a.evidence_class);
  writer.uint(a.version).uint(a.image_bytes).bytes(a.image_sha256).uint(a.memory_mib).uint(a.cpus).boolean(a.drain);
  writer.bytes(a.egress ? ByteView(*a.egress) : ByteView());
}

Result<void> read_assignment(CborReader& reader, Assignment& a) {
  TRY_ASSIGN(const std::uint64_t items, reader.read_array("assignment"));
  if (items != kAssignmentItems) return fail(Code::TYPE, "assignment", "11 items", std::to_string(items));
  TRY_ASSIGN(const ByteView deployment, reader.read_bytes("deployment"));
  TRY(copy_fixed(deployment, "deployment", a.deployment));
  TRY_ASSIGN(const std::string_view cage, reader.read_text("cage"));
  if (cage.size() > limits::kControlWordBytesMax) return fail(Code::LIMIT, "cage");
  a.cage = cage;
  TRY_ASSIGN(a.names, read_texts(reader, "names", limits::kCageNamesMax, limits::kHostNameBytesMax));
  TRY_ASSIGN(const std::string_view evidence, reader.read_text("evidence_class"));
  if (evidence.size() > limits::kEvidenceClassBytesMax) return fail(Code::LIMIT, "evidence_class");
  a.evidence_class = evidence;
  TRY_ASSIGN(a.version, reader.read_uint("version"));
  TRY_ASSIGN(a.image_bytes, reader.read_uint("image_bytes"));
  TRY_ASSIGN(const ByteView hash, reader.read_bytes("image_sha256"));
  TRY(copy_fixed(hash, "image_sha256", a.image_sha256));
  TRY_ASSIGN(a.memory_mib, reader.read_uint("memory_mib"));
  TRY_ASSIGN(a.cpus, reader.read_uint("cpus"));
  TRY_ASSIGN(a.drain, reader.read_bool("drain"));
  TRY_ASSIGN(const ByteView egress, reader.read_bytes("egress"));
  if (!egress.empty()) TRY(copy_fixed(egress, "egress", a.egress.emplace()));
  return {};
}

Result<HostLinkDown> read_assignments(FieldReader& fields) {
  Assignments list;
  TRY_ASSIGN(CborReader * reader, fields.item(1, "assignments"));
  TRY(read_list(*reader, "assignments", limits::kAssignmentsMax,
                [&](CborReader& at) { return read_assignment(at, list.all.emplace_back()); }));
  TRY(fields.advance());
  TRY(fields.finish());
  return HostLinkDown(std::move(list));
}

Result<HostLinkDown> read_enrolled(FieldReader& fields) {
  Enrolled enrolled;
  TRY(fields.fixed(1, "host", enrolled.host));
  TRY_ASSIGN(CborReader * reader, fields.item(2, "chain"));
  const auto one = [&](CborReader& at) -> Result<void> {
    TRY_ASSIGN(const ByteView certificate, at.read_bytes("chain"));
    if (certificate.size() > limits::kGrantCertificateBytesMax) return fail(Code::LIMIT, "chain");
    enrolled.chain.push_back(to_bytes(certificate));
    return {};
  };
  TRY(read_list(*reader, "chain", limits::kGrantChainMax, one));
  TRY(fields.advance());
  TRY(fields.finish());
  return HostLinkDown(std::move(enrolled));
}

Result<HostLinkDown> read_image_head(FieldReader& fields) {
  ImageHead head;
  TRY_ASSIGN(head.bytes, fields.uint(1, "bytes"));
  TRY(fields.fixed(2, "sha256", head.sha256));
  TRY(fields.finish());
  return HostLinkDown(head);
}

Result<HostLinkDown> read_token(FieldReader& fields) {
  LinkToken token;
  TRY_ASSIGN(token.id, fields.uint(1, "id"));
  TRY_ASSIGN(token.token, read_word(fields, 2, "token", limits::kTokenBytesMax));
  TRY(fields.finish());
  return HostLinkDown(std::move(token));
}

Result<HostLinkDown> read_token_refused(FieldReader& fields) {
  LinkTokenRefused refused;
  TRY_ASSIGN(refused.id, fields.uint(1, "id"));
  TRY_ASSIGN(refused.code, read_word(fields, 2, "code", limits::kControlWordBytesMax));
  TRY(fields.finish());
  return HostLinkDown(std::move(refused));
}

Result<HostLinkDown> read_refused(FieldReader& fields) {
  TRY_ASSIGN(std::string code, read_word(fields, 1, "code", limits::kControlWordBytesMax));
  TRY(fields.finish());
  return HostLinkDown(LinkRefused{std::move(code)});
}

Result<HostOpening> read_enrol(FieldReader& fields) {
  EnrolRequest request;
  TRY_ASSIGN(request.code, read_word(fields, 1, "code", limits::kEnrolCodeBytesMax));
  TRY_ASSIGN(const ByteView csr, fields.bytes(2, "csr", limits::kCsrBytesMax));
  request.csr = to_bytes(csr);
  TRY(fields.finish());
  return HostOpening(std::move(request));
}

Result<HostOpening> read_session(FieldReader& fields) {
  OpenSession session;
  TRY_ASSIGN(session.program, read_word(fields, 1, "program", limits::kControlWordBytesMax));
  TRY_ASSIGN(CborReader * reader, fields.item(2, "drivers"));
  TRY_ASSIGN(session.drivers, read_texts(*reader, "drivers", 8, limits::kControlWordBytesMax));
  TRY(fields.advance());
  TRY(fields.finish());
  return HostOpening(std::move(session));
}

struct Writer {
  Bytes operator()(const EnrolRequest& m) const {
    return FrameWriter(kEnrol, kHostLinkVersion, 2).text(1, m.code).bytes(2, m.csr).take();
  }
  Bytes operator()(const OpenSession& m) const {
    return FrameWriter(kSession, kHostLinkVersion, 2).text(1, m.program).raw(2, encode_texts(m.drivers)).take();
  }
  Bytes operator()(const OpenImage& m) const {
    return FrameWriter(kImage, kHostLinkVersion, 1).bytes(1, m.deployment).take();
  }
  Bytes operator()(const OpenProvisioner& m) const {
    return FrameWriter(kProvisioner, kHostLinkVersion, 1).bytes(1, m.deployment).take();
  }
  Bytes operator()(const OpenEgressList& m) const {
    return FrameWriter(kEgressList, kHostLinkVersion, 1).bytes(1, m.deployment).take();
  }
  Bytes operator()(const Enrolled& m) const {
    CborWriter chain;
    chain.array(m.chain.size());
    for (const Bytes& certificate : m.chain) chain.bytes(certificate);
    return FrameWriter(kEnrolled, kHostLinkVersion, 2).bytes(1, m.host).raw(2, chain.view()).take();
  }
  Bytes operator()(const ImageHead& m) const {
    return FrameWriter(kImageHead, kHostLinkVersion, 2).uint(1, m.bytes).bytes(2, m.sha256).take();
  }
  Bytes operator()(const Accepted&) const { return FrameWriter(kAccepted, kHostLinkVersion, 0).take(); }
  Bytes operator()(const LinkRefused& m) const {
    return FrameWriter(kRefused, kHostLinkVersion, 1).text(1, m.code).take();
  }
  Bytes operator()(const Assignments& m) const {
    CborWriter list;
    list.array(m.all.size());
    for (const Assignment& one : m.all) write_assignment(list, one);
    return FrameWriter(kAssignments, kHostLinkVersion, 1).raw(1, list.view()).take();
  }
  Bytes operator()(const LinkTokenRequest& m) const {
    return FrameWriter(kTokenRequest, kHostLinkVersion, 2).uint(1, m.id).bytes(2, m.deployment).take();
  }
  Bytes operator()(const LinkToken& m) const {
    return FrameWriter(kToken, kHostLinkVersion, 2).uint(1, m.id).text(2, m.token).take();
  }
  Bytes operator()(const LinkTokenRefused& m) const {
    return FrameWriter(kTokenRefused, kHostLinkVersion, 2).uint(1, m.id).text(2, m.code).take();
  }
  Bytes operator()(const HostAlive&) const { return FrameWriter(kAlive, kHostLinkVersion, 0).take(); }
  Bytes operator()(const InstanceReport& m) const {
    return FrameWriter(kReport, kHostLinkVersion, 3)
        .bytes(1, m.deployment)
        .text(2, std::string_view(m.state).substr(0, limits::kControlWordBytesMax))
        .text(3, std::string_view(m.code).substr(0, limits::kControlWordBytesMax))
        .take();
  }
};

}  // namespace

Bytes write_host_link(const HostOpening& message) { return std::visit(Writer{}, message); }
Bytes write_host_link(const HostSessionUp& message) { return std::visit(Writer{}, message); }
Bytes write_host_link(const HostLinkDown& message) { return std::visit(Writer{}, message); }

Result<HostOpening> parse_host_opening(ByteView payload) {
  TRY_ASSIGN(const Frame frame, parse_frame(payload));
  TRY(expect_version(frame, kHostLinkVersion));
  TRY_ASSIGN(FieldReader fields, FieldReader::open(frame.fields));
  if (frame.type == kEnrol) return read_enrol(fields);
  if (frame.type == kSession) return read_session(fields);
  Id deployment{};
  if (frame.type == kImage) {
    TRY(fields.fixed(1, "deployment", deployment));
    TRY(fields.finish());
    return HostOpening(OpenImage{deployment});
  }
  if (frame.type == kEgressList) {
    TRY(fields.fixed(1, "deployment", deployment));
    TRY(fields.finish());
    return HostOpening(OpenEgressList{deployment});
  }
  TRY(expect_type(frame, kProvisioner, kHostLinkVersion, "an opening"));
  TRY(fields.fixed(1, "deployment", deployment));
  TRY(fields.finish());
  return HostOpening(OpenProvisioner{deployment});
}

Result<HostSessionUp> parse_host_session_up(ByteView payload) {
  TRY_ASSIGN(const Frame frame, parse_frame(payload));
  TRY(expect_version(frame, kHostLinkVersion));
  TRY_ASSIGN(FieldReader fields, FieldReader::open(frame.fields));
  if (frame.type == kTokenRequest) {
    LinkTokenRequest request;
    TRY_ASSIGN(request.id, fields.uint(1, "id"));
    TRY(fields.fixed(2, "deployment", request.deployment));
    TRY(fields.finish());
    return HostSessionUp(request);
  }
  if (frame.type == kAlive) {
    TRY(fields.finish());
    return HostSessionUp(HostAlive{});
  }
  TRY(expect_type(frame, kReport, kHostLinkVersion, "a token request, a report or a sign of life"));
  InstanceReport report;
  TRY(fields.fixed(1, "deployment", report.deployment));
  TRY_ASSIGN(report.state, read_word(fields, 2, "state", limits::kControlWordBytesMax));
  TRY_ASSIGN(report.code, read_word(fields, 3, "code", limits::kControlWordBytesMax));
  TRY(fields.finish());
  return HostSessionUp(std::move(report));
}

Result<HostLinkDown> parse_host_link_down(ByteView payload) {
  TRY_ASSIGN(const Frame frame, parse_frame(payload));
  TRY(expect_version(frame, kHostLinkVersion));
  TRY_ASSIGN(FieldReader fields, FieldReader::open(frame.fields));
  switch (frame.type) {
    case kEnrolled: return read_enrolled(fields);
    case kImageHead: return read_image_head(fields);
    case kRefused: return read_refused(fields);
    case kAssignments: return read_assignments(fields);
    case kToken: return read_token(fields);
    case kTokenRefused: return read_token_refused(fields);
    default: break;
  }
  TRY(expect_type(frame, kAccepted, kHostLinkVersion, "an answer of the host link"));
  TRY(fields.finish());
  return HostLinkDown(Accepted{});
}

}  // namespace cages::wire
