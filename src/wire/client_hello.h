// SPDX-License-Identifier: Apache-2.0
// ClientHello (RFC 8446 §4.1.2): the server name that a client asks for, read from the first bytes of a TLS connection
// that stays encrypted end to end. The outer name counts; Encrypted Client Hello, real or GREASE, is passed over. No
// I/O.
#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/result.h"

namespace cages::wire {

// untrusted: parse_server_name looks at all that has arrived so far, however it was split into records and reads.
// Nothing while more is to come; then the name in lower case. Cheap to call again: it reads the message only once that
// is whole. CLIENT_HELLO where the bytes cannot begin one or are malformed; MISSING server_name where it has none;
// LIMIT above kClientHelloBytesMax.
Result<std::optional<std::string>> parse_server_name(ByteView arrived);

// is_dns_name: letters, digits, hyphens and dots as RFC 1123 §2.1 has them, lower case, at most 253 bytes, not an
// address.
bool is_dns_name(std::string_view name);

}  // namespace cages::wire
