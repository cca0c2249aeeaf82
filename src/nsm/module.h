// SPDX-License-Identifier: Apache-2.0
// Module: one enclave's software NSM: bytes of a request in, bytes of the answer out, with an NSM's limits and errors. No I/O.
// For the program cage-nsm; nothing that ships to production links it.
#pragma once

#include "base/bytes.h"
#include "base/clock.h"
#include "crypto/random.h"
#include "nsm/authority.h"
#include "nsm/pcr_bank.h"
#include "wire/nsm.h"

namespace cages::nsm {

class Module {
 public:
  // lifetime: `clock` and `random` outlive it.
  Module(const PlatformPcrs& pcrs, Authority authority, const Clock& clock, crypto::Random& random)
      : pcrs_(pcrs), authority_(std::move(authority)), clock_(clock), random_(random) {}

  struct Answer {
    Bytes bytes;            // never empty, at most kNsmResponseBytesMax
    bool document = false;  // a document was signed: what costs time on hardware
  };
  // untrusted: answer takes whatever the enclave sent, and always has an answer.
  Answer answer(ByteView request);
  // prepare makes the certificates, so that the first document costs no more than the next.
  Result<void> prepare();

 private:
  wire::NsmResponse carry_out(const wire::NsmRequest& request);
  [[nodiscard]] wire::NsmDescription describe() const;
  wire::NsmResponse attest(const wire::NsmAttestationRequest& request);

  PcrBank pcrs_;
  Authority authority_;
  const Clock& clock_;
  crypto::Random& random_;
};

}  // namespace cages::nsm
