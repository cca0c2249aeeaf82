// SPDX-License-Identifier: Apache-2.0
// Name queries (vsock 7005): what the enclave's DNS server asks the host's resolver for, types other than A and AAAA of
// allowed names. One stream carries many: each question has an id of the enclave's choice, answers come in any order. The
// host makes its own DNS query from the name and the type; what comes back is a DNS message that the enclave judges. For
// the runtime and the host.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/egress.h"

namespace cages::wire {

struct NameQuery {
  std::uint64_t id = 0;
  std::string name;  // normal: lower case, no trailing dot
  std::uint16_t type = 0;  // RFC 1035 §3.2.2 and later; the class is IN
  ListDigest list{};
  bool operator==(const NameQuery&) const = default;
};

struct NameAnswer {
  std::uint64_t id = 0;
  EgressCode code = EgressCode::ok;
  Bytes message;  // a DNS response where the code is ok: its own id is 0, its question the one asked; else empty
  bool operator==(const NameAnswer&) const = default;
};

// write: one frame, length included. parse: the bytes after the length; errors as in egress.h.
Bytes write_name_query(const NameQuery& query);
Bytes write_name_answer(const NameAnswer& answer);
Result<NameQuery> parse_name_query(ByteView payload);
Result<NameAnswer> parse_name_answer(ByteView payload);

}  // namespace cages::wire
