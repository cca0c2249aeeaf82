// SPDX-License-Identifier: Apache-2.0
// PEM (RFC 7468), one block of one label. For public values (certificates, public keys); private keys are crypto's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace cages::wire {

inline constexpr std::string_view kPemCertificate = "CERTIFICATE";

// parse_pem returns the content of exactly one block with this label; PEM where there is none, another label, or text besides
// white space around it.
Result<Bytes> parse_pem(std::string_view text, std::string_view label);
// parse_pem_list: one block or more.
Result<std::vector<Bytes>> parse_pem_list(std::string_view text, std::string_view label);
std::string write_pem(ByteView content, std::string_view label);

}  // namespace cages::wire
