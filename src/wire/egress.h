// SPDX-License-Identifier: Apache-2.0
// Egress (vsock 7004): the enclave dials once for each connection of the app, says where it goes, and gets one answer; after
// code 0 the stream is the destination's bytes, both ways, half-close passed on. The host believes nothing of it: it holds
// its own copy of the list. For the runtime and the host.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "base/ip.h"
#include "base/result.h"
#include "wire/frame.h"

namespace cages::wire {

inline constexpr std::uint64_t kEgressVersion = 1;
inline constexpr std::size_t kEgressTextBytesMax = 128;

// What the enclave counts of its own verdicts, in its metrics; the host compares.
inline constexpr std::string_view kEgressAllowedMetric = "egress_allowed_total";
inline constexpr std::string_view kEgressRefusedMetric = "egress_refused_total";

// The first bytes of SHA-384 over the allow-list's canonical text (crypto/list_digest.h).
using ListDigest = std::array<Byte, 8>;

// Where a connection is to go: a name, as the enclave's list admitted it, or an address that the app itself named.
struct EgressOpen {
  std::variant<std::string, IpAddress> target;
  std::uint16_t port = 0;
  ListDigest list{};
  bool operator==(const EgressOpen&) const = default;
};

enum class EgressCode : std::uint8_t {
  ok = 0,
  refused = 1,   // EGRESS_REFUSED: the host's list does not name it
  address = 2,   // EGRESS_ADDRESS: every address of the name is in a forbidden range
  resolve = 3,   // EGRESS_RESOLVE
  dial = 4,      // EGRESS_DIAL
  overload = 5,  // EGRESS_OVERLOAD
  list = 6,      // EGRESS_LIST: the digests differ
};

// `text` is for the log of the enclave; the reader prints it escaped.
struct EgressAnswer {
  EgressCode code = EgressCode::ok;
  std::string text;
  bool operator==(const EgressAnswer&) const = default;
};

// code_of and egress_code translate between the wire's numbers and errors.def; code_of(ok) is not to be asked.
Code code_of(EgressCode code);
EgressCode egress_code(Code code);
// read_egress_code reads it off a message's field: TYPE where it is unknown.
Result<EgressCode> read_egress_code(FieldReader& fields, std::uint64_t key);

// write: one frame, length included; the answer's text is cut. parse: the bytes after the length; TYPE for a port of 0 or
// above 65535, an address of neither 4 nor 16 bytes, an unknown code; LIMIT, MESSAGE_TYPE, MESSAGE_VERSION, CBOR's. Names
// are bounded here, and judged by whoever reads them.
Bytes write_egress(const EgressOpen& open);
Bytes write_egress(const EgressAnswer& answer);
Result<EgressOpen> parse_egress_open(ByteView payload);
Result<EgressAnswer> parse_egress_answer(ByteView payload);

}  // namespace cages::wire
