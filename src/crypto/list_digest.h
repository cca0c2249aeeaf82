// SPDX-License-Identifier: Apache-2.0
// The digest of an egress allow-list: what the enclave shows the host on each stream, and each shows its owner. It tells
// lists apart by accident, not by attack: 8 bytes, and the host judges by its own copy whatever is shown. For the
// runtime and the host.
#pragma once

#include <string_view>

#include "wire/egress.h"

namespace cages::crypto {

// list_digest: the first 8 bytes of SHA-384 over AllowList::canonical().
wire::ListDigest list_digest(std::string_view canonical);

}  // namespace cages::crypto
