// SPDX-License-Identifier: Apache-2.0
// Authority: a private certification authority and the few profiles that the platform issues: platform root → online servers
// (provisioner, engine), hosts' root → hosts, cages' root → one intermediate for each cage. Each authority has one profile;
// none certifies another. And the check of a server's chain against hashes of root keys. For caged, the runtime, cage-host.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "crypto/certificate.h"
#include "crypto/random.h"

namespace cages::crypto {

struct Authority {
  PrivateKey key;
  Certificate certificate;
};

// make_authority makes a self-signed CA called `name`; `path_len` as in basicConstraints: 0 where it signs end entities alone.
Result<Authority> make_authority(std::string_view name, Curve curve, unsigned path_len, WallTime now,
                                 std::chrono::seconds life, Random& random);

// certify_server: a certificate for TLS servers called `name` (subject and SAN). At most kOnlineLifeMax (design §3).
Result<Certificate> certify_server(const Authority& issuer, std::string_view name, const PublicKey& key, WallTime now,
                                   std::chrono::seconds life, Random& random);
// certify_client: a certificate for TLS clients, subject CN = `name`, no SAN.
Result<Certificate> certify_client(const Authority& issuer, std::string_view name, const PublicKey& key, WallTime now,
                                   std::chrono::seconds life, Random& random);
// certify_cage: the intermediate of design §4.6: critical CA:TRUE, pathlen 0; critical name constraints: `names` permitted, every
// IP address, mailbox and URI excluded; EKU serverAuth. At most kIntermediateLifeMax.
Result<Certificate> certify_cage(const Authority& issuer, std::string_view name, std::span<const std::string> names,
                                 const PublicKey& key, WallTime now, std::chrono::seconds life, Random& random);

using KeyHash = std::array<Byte, 48>;
// key_hash: SHA-384 of the SubjectPublicKeyInfo; how images name their platform's roots.
KeyHash key_hash(const PublicKey& key);

// untrusted: verify_server_chain judges [server, root] as a TLS peer sent them: the root's key is one of `roots`
// (PLATFORM_ROOT), is a CA with keyCertSign and signed itself; the server's certificate is signed by it, is no CA, has EKU
// serverAuth and exactly one SAN, `name` (PLATFORM_NAME); both are valid at `now` (PLATFORM_TIME); PLATFORM_CHAIN for the
// rest. Returns the server's certificate.
Result<Certificate> verify_server_chain(std::span<const Bytes> chain, std::span<const KeyHash> roots, std::string_view name,
                                        WallTime now);
// untrusted: verify_client: signed by `issuer`, valid at `now`, no CA, EKU clientAuth. Returns its certificate.
Result<Certificate> verify_client(ByteView certificate, const Certificate& issuer, WallTime now);

}  // namespace cages::crypto
