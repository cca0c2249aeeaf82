// SPDX-License-Identifier: Apache-2.0
// Object identifiers that Cages reads or writes, as the content bytes of a DER OBJECT IDENTIFIER. For whoever parses or makes
// certificates.
#pragma once

#include <array>
#include <string_view>

#include "base/bytes.h"

namespace cages::wire::oid {

// Evidence in a certificate (interfaces: EVIDENCE): the extension's value is an OCTET STRING that holds one raw COSE_Sign1
// attestation document. 2.25 = UUID arc (ITU-T X.667), UUID d47e28ad-0101-4458-9096-12046f03b117.
inline constexpr std::string_view kEvidenceText = "2.25.282451389513744831061643108808504094999";
inline constexpr std::array<Byte, 20> kEvidence{0x69, 0x83, 0xa8, 0xfe, 0x94, 0xab, 0xa0, 0x90, 0x8a, 0x91,
                                                0xb1, 0x90, 0xcb, 0x84, 0xc0, 0xc6, 0xf8, 0x8e, 0xe2, 0x17};

// RFC 5280 §4.2.1
inline constexpr std::array<Byte, 3> kKeyUsage{0x55, 0x1d, 0x0f};
inline constexpr std::array<Byte, 3> kBasicConstraints{0x55, 0x1d, 0x13};
// RFC 5280 appendix A.1: id-at-commonName
inline constexpr std::array<Byte, 3> kCommonName{0x55, 0x04, 0x03};
// RFC 5758 §3.2: ecdsa-with-SHA256, -384, -512
inline constexpr std::array<Byte, 8> kEcdsaSha256{0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
inline constexpr std::array<Byte, 8> kEcdsaSha384{0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03};
inline constexpr std::array<Byte, 8> kEcdsaSha512{0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04};
// RFC 5480 §2.1.1: id-ecPublicKey, secp256r1, secp384r1, secp521r1
inline constexpr std::array<Byte, 7> kEcPublicKey{0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
inline constexpr std::array<Byte, 8> kP256{0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
inline constexpr std::array<Byte, 5> kP384{0x2b, 0x81, 0x04, 0x00, 0x22};
inline constexpr std::array<Byte, 5> kP521{0x2b, 0x81, 0x04, 0x00, 0x23};

}  // namespace cages::wire::oid
