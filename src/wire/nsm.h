// SPDX-License-Identifier: Apache-2.0
// NSM messages: what an enclave asks the Nitro Secure Module and what it answers, as bytes and as types, both ways. The
// encoding is serde's "externally tagged" CBOR, the same through the ioctl of /dev/nsm and through a socket. No I/O
// (attest/nsm_client.h) and no semantics (nsm/). For attest/ (the asking side) and nsm/ (the answering side).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace cages::wire {

// What the NSM says of a request it did not carry out; spelled as on the wire by nsm_status_name().
enum class NsmStatus : std::uint8_t {
  success,
  invalid_argument,
  invalid_index,
  invalid_response,
  read_only_index,
  invalid_operation,
  buffer_too_small,
  input_too_large,
  internal_error,
};
std::string_view nsm_status_name(NsmStatus status);

struct NsmDescribeRequest {};
struct NsmRandomRequest {};
struct NsmDescribePcrRequest {
  std::uint16_t index = 0;
};
struct NsmExtendPcrRequest {
  std::uint16_t index = 0;
  Bytes data;  // raw: the NSM hashes old || data
};
struct NsmLockPcrRequest {
  std::uint16_t index = 0;
};
struct NsmLockPcrsRequest {
  std::uint16_t range = 0;  // locks [0, range)
};
struct NsmAttestationRequest {
  std::optional<Bytes> user_data;
  std::optional<Bytes> nonce;
  std::optional<Bytes> public_key;
};
using NsmRequest = std::variant<NsmDescribeRequest, NsmRandomRequest, NsmDescribePcrRequest, NsmExtendPcrRequest,
                                NsmLockPcrRequest, NsmLockPcrsRequest, NsmAttestationRequest>;

struct NsmDescription {
  std::uint16_t version_major = 0;
  std::uint16_t version_minor = 0;
  std::uint16_t version_patch = 0;
  std::string module_id;
  std::uint16_t max_pcrs = 0;
  std::vector<std::uint16_t> locked_pcrs;
  std::string digest;
};
struct NsmRandom {
  Secret random;  // secret: it seeds generators
};
struct NsmPcr {
  bool locked = false;
  Bytes value;
};
struct NsmExtendedPcr {
  Bytes value;  // after extending
};
struct NsmLockedPcr {};
struct NsmLockedPcrs {};
struct NsmDocument {
  Bytes document;  // COSE_Sign1, unverified
};
struct NsmRefusal {
  NsmStatus status = NsmStatus::internal_error;
};
// In the order of NsmRequest's alternatives, then NsmRefusal: a request's own answer has the request's index.
using NsmResponse = std::variant<NsmDescription, NsmRandom, NsmPcr, NsmExtendedPcr, NsmLockedPcr, NsmLockedPcrs, NsmDocument,
                                 NsmRefusal>;

// write_nsm_request writes definite, minimal CBOR, members in the NSM's own order; an Attestation request has all three
// members, null where unset.
Bytes write_nsm_request(const NsmRequest& request);

// parse_nsm_request reads one request, members by name in any order, unknown members skipped. LIMIT above
// kNsmRequestBytesMax or an index above 65535; MESSAGE_TYPE for no operation of the seven; MISSING, TYPE, DUPLICATE_KEY for
// an operation's members; CBOR's own codes else. untrusted: the bytes are the enclave's.
Result<NsmRequest> parse_nsm_request(ByteView bytes);

// nsm_status_for returns what the NSM answers to a request that parse_nsm_request refused with `error`: InputTooLarge for
// LIMIT, InvalidArgument for a bad member, InvalidOperation for whatever is not one of the operations.
NsmStatus nsm_status_for(const Error& error);

Bytes write_nsm_response(const NsmResponse& response);

// parse_nsm_response reads one response, members by name in any order (implementations differ), unknown members skipped.
// Errors as parse_nsm_request, over kNsmResponseBytesMax. untrusted: under `process` the bytes are the host's.
Result<NsmResponse> parse_nsm_response(ByteView bytes);

}  // namespace cages::wire
