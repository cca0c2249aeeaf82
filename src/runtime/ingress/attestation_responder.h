// SPDX-License-Identifier: Apache-2.0
// AttestationResponder: what the data plane asks when a client wants proof. The data plane carries the bytes; what they
// mean is attest/'s. For the data plane and whoever implements it; runtime/cage joins them.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/task.h"
#include "tls/stream.h"

namespace cages::runtime {

class AttestationResponder {
 public:
  virtual ~AttestationResponder() = default;
  // session answers a session request (interfaces: SESSION; canonical CBOR both ways) on the very connection it came
  // on: `session` gives exporter and server name. HTTP_OVERLOAD where fresh documents are asked for too often; an error
  // of kind reject where the request is not one.
  virtual Task<Result<Bytes>> session(ByteView request, const tls::TlsStream& session) = 0;
  // document returns the document (COSE_Sign1) that the certificate shown on this connection carries.
  virtual Task<Result<Bytes>> document(const tls::TlsStream& session) = 0;
};

}  // namespace cages::runtime
