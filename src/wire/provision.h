// SPDX-License-Identifier: Apache-2.0
// Provisioning (design §4.4 to §4.6), between an enclave and the provisioner inside their own TLS: hello → grant | refused.
// And what the grant's sealed part holds, and over what both sides compute nonce and HPKE info. For the runtime and caged.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "wire/token.h"

namespace cages::wire {

inline constexpr std::uint64_t kProvisionVersion = 1;
// The name that the provisioner's certificate bears, and the TLS exporter (RFC 8446 §7.5) that binds evidence to the session:
// kProvisionExporterBytes bytes with an empty context.
inline constexpr std::string_view kProvisionerName = "provisioner.cages";
inline constexpr std::string_view kProvisionExporterLabel = "EXPERIMENTAL-cage-prov/1";
inline constexpr std::size_t kProvisionExporterBytes = 32;

struct ProvisionHello {
  Bytes document;  // COSE_Sign1; user_data = token, nonce = provision_nonce_input hashed, public_key = RuntimeKeys
  Bytes csr;       // DER PKCS#10 of the CA key
  bool operator==(const ProvisionHello&) const = default;
};

struct ProvisionGrant {
  std::vector<Bytes> chain;  // DER certificates: the intermediate for the CA key first, its root last
  Bytes enc;                 // HPKE
  Bytes ct;                  // write_provision_secrets, sealed to K with provision_info
  bool operator==(const ProvisionGrant&) const = default;
};

// The reason is the operator's; what crosses the line is a code.
struct ProvisionRefused {
  std::string code;
  bool operator==(const ProvisionRefused&) const = default;
};

using ProvisionAnswer = std::variant<ProvisionGrant, ProvisionRefused>;

// write: one frame, length included. parse: the bytes after the length; FRAME's and CBOR's errors, LIMIT.
Bytes write_provision(const ProvisionHello& hello);
Bytes write_provision(const ProvisionAnswer& answer);
Result<ProvisionHello> parse_provision_hello(ByteView payload);
Result<ProvisionAnswer> parse_provision_answer(ByteView payload);

struct NamedSecret {
  std::string name;
  Secret value;
};

// What a grant seals: the app's secrets, names ascending, and the token for the encryption engine.
struct ProvisionSecrets {
  std::vector<NamedSecret> secrets;
  std::string engine_token;
  std::int64_t engine_token_expires_at = 0;  // Unix seconds
};

// secret: the plaintext of a grant. LIMIT above kProvisionSecretsBytesMax.
Result<Secret> write_provision_secrets(const ProvisionSecrets& secrets);
Result<ProvisionSecrets> parse_provision_secrets(const Secret& plaintext);

// provision_nonce_input: the document's nonce is SHA-384 over this.
Bytes provision_nonce_input(ByteView csr, ByteView exporter);
// provision_info: HPKE's info. `document_hash`: SHA-384 of the document.
Bytes provision_info(const Id& deployment, const Id& token, ByteView document_hash);

}  // namespace cages::wire
