// SPDX-License-Identifier: Apache-2.0
// What every TLS connection here has in common, on either side, and no caller can weaken: TLS 1.3 alone, no tickets, no
// pre-shared keys, no early data, no resumption, no renegotiation. tests: settings.golden. For tls/ alone.
#pragma once

#include <span>
#include <string>

#include "base/bytes.h"
#include "tls/handles.h"

namespace cages::tls {

inline constexpr const char* kCiphers = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
// Hybrid post-quantum groups go in front once the OpenSSL at hand has them.
inline constexpr const char* kGroups = "X25519:P-256:P-384";
// The last three are for signatures inside public chains; TLS 1.3 never signs a handshake by them (RFC 8446 §4.2.3).
inline constexpr const char* kSignatures =
    "ECDSA+SHA256:ECDSA+SHA384:ed25519:rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:"
    "RSA+SHA256:RSA+SHA384:RSA+SHA512";

enum class Side { server, client };

// make_context returns a context with all of the above. INTERNAL where OpenSSL refuses one.
Result<ContextPtr> make_context(Side side);

// alpn_wire encodes protocol names as ALPN carries them (RFC 7301 §3.1). TLS_SETUP where one is empty or too long.
Result<Bytes> alpn_wire(std::span<const std::string> protocols);

}  // namespace cages::tls
