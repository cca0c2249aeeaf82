// SPDX-License-Identifier: Apache-2.0
// The one-time code by which a machine becomes a host: `id.secret.root`, base64url. It tells the host by which key it will know
// the platform, so that the first connection needs no trust of its own. For caged, which makes it, and cage-host, which reads it.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/token.h"

namespace cages::wire {

struct EnrolCode {
  Id id{};
  std::array<Byte, 32> secret{};
  std::array<Byte, 48> root{};  // SHA-384 of the hosts' root key (crypto::key_hash)
};

// secret: write_enrol_code. untrusted: parse_enrol_code takes what a person pasted, spaces around it allowed; ENROL_CODE else.
std::string write_enrol_code(const EnrolCode& code);
Result<EnrolCode> parse_enrol_code(std::string_view text);

}  // namespace cages::wire
