// SPDX-License-Identifier: Apache-2.0
// The signature section (nitro.md §1.5): a PEM certificate and a COSE_Sign1 over PCR0, both as CBOR arrays of integers.
// The signature covers the value of PCR0 alone; the certificate is measured as PCR8. Whether the certificate is one to
// trust is the caller's policy: an image signs itself with whatever certificate it likes.
#pragma once

#include <string>

#include "crypto/certificate.h"
#include "crypto/signer.h"
#include "eif/read.h"
#include "eif/types.h"

namespace cages::eif {

struct Signature {
  std::string certificate_pem;
  Bytes cose;  // untagged COSE_Sign1
};

// untrusted: parse_signature reads the section's data in exactly the form that hypervisors read: one element, the two
// members in their order, integers of at most 255 in their shortest form. EIF_SIGNATURE_FORMAT else.
Result<Signature> parse_signature(ByteView section);
// write_signature: EIF_SIGNATURE_SIZE where the section would exceed kEifSignatureBytesMax.
Result<Bytes> write_signature(const Signature& signature);

// make_signature returns the section that signs `pcr0`. EIF_KEY where the key is not the certificate's.
Result<Bytes> make_signature(const crypto::Certificate& certificate, const crypto::Signer& key,
                             const crypto::Digest384& pcr0);

// read_signature reads an image's signature section, which must exist. EIF_SIGNATURE_FORMAT, IO.
Result<Signature> read_signature(const EifFile& file);
// signing_certificate reads the certificate of a signature; EIF_SIGNATURE_FORMAT where it is none.
Result<crypto::Certificate> signing_certificate(const Signature& signature);
// untrusted: verify_signature checks that the COSE_Sign1 is the certificate's, by the algorithm of its curve, over
// exactly `pcr0`. EIF_SIGNATURE_FORMAT where it cannot be read, EIF_SIGNATURE where it is not that. Looks at no clock:
// the hypervisor measures an expired certificate too.
Result<void> verify_signature(const Signature& signature, const crypto::Certificate& certificate,
                              const crypto::Digest384& pcr0);
// measure_certificate returns PCR8.
crypto::Digest384 measure_certificate(const crypto::Certificate& certificate);

}  // namespace cages::eif
