// SPDX-License-Identifier: Apache-2.0
// Attestation documents as real NSMs write them since 2025 (nitro.md §3.1): a COSE_Sign1 without a tag, protected header
// {1: -35}, a payload whose outer map has indefinite length. Writing only; reading and judging is attest/'s, and written
// apart from this, so that neither can copy the other's mistake. For the software NSM.
#pragma once

#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "nsm/authority.h"
#include "nsm/pcr_bank.h"
#include "wire/nsm.h"

namespace cages::nsm {

// sign_document returns a document over every locked PCR. INTERNAL where the signature fails.
Result<Bytes> sign_document(const ModuleId& module, WallTime time, const PcrBank& pcrs, const Signer& signer,
                            const wire::NsmAttestationRequest& request);

}  // namespace cages::nsm
