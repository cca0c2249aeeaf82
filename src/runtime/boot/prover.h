// SPDX-License-Identifier: Apache-2.0
// Prover: answers clients that ask for proof (design §5): the document of the TLS key, and the binding of one TLS
// session to it. The document is the one in the leaf that was shown on that very connection: leaves are renewed while
// connections live. Holds what the data plane must not: S and the NSM.
// Joined to the data plane by runtime/cage.
#pragma once

#include <string>

#include "attest/nsm_client.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/token_bucket.h"
#include "runtime/boot/keys.h"
#include "tls/stream.h"

namespace cages::runtime {

class Prover {
 public:
  // `cage_id`: module id of the NSM. lifetime: all references outlive it.
  Prover(attest::Nsm& nsm, const Keys& keys, const Clock& clock, std::string cage_id)
      : nsm_(nsm), keys_(keys), clock_(clock), cage_id_(std::move(cage_id)) {}
  // document returns the one that the leaf of `session` carries; NO_EVIDENCE where that has none.
  [[nodiscard]] Result<Bytes> document(const tls::TlsStream& session) const;
  // answer: one session request (wire/session.h) on the connection that it came on. Of what is signed the client
  // chooses the nonce alone. HTTP_OVERLOAD above kFreshPerSecond fresh documents; an error of kind reject where it is
  // no request.
  Result<Bytes> answer(ByteView request, const tls::TlsStream& session);

 private:
  Result<Bytes> fresh_document(ByteView nonce);

  attest::Nsm& nsm_;
  const Keys& keys_;
  const Clock& clock_;
  std::string cage_id_;
  TokenBucket fresh_{limits::kFreshPerSecond, limits::kFreshBurst, Nanoseconds(0)};
};

}  // namespace cages::runtime
