// SPDX-License-Identifier: Apache-2.0
// The host link (caged 8444, TLS 1.3): what cage-host and caged say to each other. A connection is one of five kinds, and its
// first frame says which:
//   enrol        the only kind without a client certificate: code + request → certificate, or refused
//   session      one for each host, long-lived: assignments down, reports up, token requests and their answers
//   image        one image down: head, then its bytes raw
//   egress list  one allow-list down, likewise
//   provisioner  one enclave's stream to the provisioner: accepted, then that enclave's own TLS, raw both ways
// Two directions, two types. caged takes no field for who the host is: the certificate says that.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/egress.h"
#include "wire/token.h"

namespace cages::wire {

inline constexpr std::uint64_t kHostLinkVersion = 1;
// The name that caged's certificate bears on this port.
inline constexpr std::string_view kHostLinkName = "hosts.cages";

// First frames, host → caged.
struct EnrolRequest {
  std::string code;  // one-time, as `cage host enroll-code` printed it
  Bytes csr;         // DER PKCS#10 of the host's key
  bool operator==(const EnrolRequest&) const = default;
};
struct OpenSession {
  std::string program;               // name and version, for people
  std::vector<std::string> drivers;  // "process", "vm", "nitro": what this host can run
  bool operator==(const OpenSession&) const = default;
};
struct OpenImage {
  Id deployment{};
  bool operator==(const OpenImage&) const = default;
};
struct OpenProvisioner {
  Id deployment{};
  bool operator==(const OpenProvisioner&) const = default;
};
// Asks for the deployment's egress allow-list, as caged read it in the measured image: canonical entries, one a line.
struct OpenEgressList {
  Id deployment{};
  bool operator==(const OpenEgressList&) const = default;
};
using HostOpening = std::variant<EnrolRequest, OpenSession, OpenImage, OpenProvisioner, OpenEgressList>;

// Answers to them, caged → host. A session is answered by Assignments, a provisioner stream by Accepted.
struct Enrolled {
  Id host{};
  std::vector<Bytes> chain;  // the host's certificate first, the hosts' root last
  bool operator==(const Enrolled&) const = default;
};
struct ImageHead {
  std::uint64_t bytes = 0;
  std::array<Byte, 32> sha256{};
  bool operator==(const ImageHead&) const = default;
};
struct Accepted {
  bool operator==(const Accepted&) const = default;
};
struct LinkRefused {
  std::string code;
  bool operator==(const LinkRefused&) const = default;
};

// One deployment that this host is to run (or to drain: one that is missing from the list, or says so).
struct Assignment {
  Id deployment{};
  std::string cage;                // its name, for people and paths
  std::vector<std::string> names;  // host names that lead to it
  std::string evidence_class;      // "nitro", "nitro-debug", "development:<root hash>"
  std::uint64_t version = 0;
  std::uint64_t image_bytes = 0;
  std::array<Byte, 32> image_sha256{};
  std::uint64_t memory_mib = 0;    // 0: the image's default
  std::uint64_t cpus = 0;
  bool drain = false;
  // Of its egress allow-list (crypto/list_digest.h); none where it has no entry: then the host opens no egress port. The
  // list itself is fetched by OpenEgressList: all of them together would not fit a frame.
  std::optional<ListDigest> egress{};
  bool operator==(const Assignment&) const = default;
};
// The whole list each time.
struct Assignments {
  std::vector<Assignment> all;
  bool operator==(const Assignments&) const = default;
};

// Asks for a token for an enclave that this host started for `deployment`.
struct LinkTokenRequest {
  std::uint64_t id = 0;
  Id deployment{};
  bool operator==(const LinkTokenRequest&) const = default;
};
struct LinkToken {
  std::uint64_t id = 0;
  std::string token;
  bool operator==(const LinkToken&) const = default;
};
struct LinkTokenRefused {
  std::uint64_t id = 0;
  std::string code;
  bool operator==(const LinkTokenRefused&) const = default;
};
// What a host says of one deployment: a hint, never a reason to trust.
struct InstanceReport {
  Id deployment{};
  std::string state;  // a word of wire/control.h's CageState, or "gone"
  std::string code;   // last of the journal
  bool operator==(const InstanceReport&) const = default;
};

// Says at least every kLinkAliveTime that this host lives; Accepted is the answer.
struct HostAlive {
  bool operator==(const HostAlive&) const = default;
};

using HostSessionUp = std::variant<LinkTokenRequest, InstanceReport, HostAlive>;
using HostLinkDown =
    std::variant<Enrolled, ImageHead, Accepted, LinkRefused, Assignments, LinkToken, LinkTokenRefused>;

// write: one frame, length included. parse: the bytes after the length; LIMIT, MESSAGE_TYPE, MESSAGE_VERSION, CBOR's.
Bytes write_host_link(const HostOpening& message);
Bytes write_host_link(const HostSessionUp& message);
Bytes write_host_link(const HostLinkDown& message);
Result<HostOpening> parse_host_opening(ByteView payload);
Result<HostSessionUp> parse_host_session_up(ByteView payload);
Result<HostLinkDown> parse_host_link_down(ByteView payload);

}  // namespace cages::wire
