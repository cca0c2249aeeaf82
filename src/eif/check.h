// SPDX-License-Identifier: Apache-2.0
// Checked: an image that was read whole, whose checksum is right and whose signature, where it has one, is its
// certificate's: what a driver must know before it starts one, and the platform before it stores one.
#pragma once

#include <optional>

#include "crypto/certificate.h"
#include "eif/read.h"
#include "eif/types.h"

namespace cages::eif {

struct Checked {
  Measurements measurements;
  std::optional<crypto::Certificate> signer;
};

// untrusted: check reads the file once. EIF_CRC, EIF_SIGNATURE_FORMAT, EIF_SIGNATURE; IO. Says nothing about whether
// the signer is one to trust, nor whether its certificate has expired.
Result<Checked> check(const EifFile& file);

}  // namespace cages::eif
