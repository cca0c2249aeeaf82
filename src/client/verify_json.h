// SPDX-License-Identifier: Apache-2.0
// The JSON plug of the verifier: one request in, one answer out (`cage verify`, libcage's verify). For programs, vectors and
// other implementations.
#pragma once

#include <string>
#include <string_view>

#include "attest/verify.h"
#include "base/json.h"

namespace cages::client {

struct JsonVerdict {
  Json answer;  // {"verdict", "error", "detail"} or {"verdict": "accept", "document": {…}}
  int exit_code = 0;
};

// verify_json never fails: what cannot be read is a verdict too ("malformed", "policy").
JsonVerdict verify_json(std::string_view request);

// evidence_json says what a verified document proves.
Json evidence_json(const attest::Verified& verified);

// parse_trust_roots reads PEM certificates of roots; AWS's is told by its bytes, every other is a development root. PEM.
Result<std::vector<attest::TrustRoot>> parse_trust_roots(std::string_view pem);

}  // namespace cages::client
