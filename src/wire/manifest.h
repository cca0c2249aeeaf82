// SPDX-License-Identifier: Apache-2.0
// Manifest: the measured policy of a cage (design §3), /cage/manifest of ramdisk 1. It holds all that decides what the
// cage may do: what runs, who may reach it, whom it may reach, which secrets it gets, and whose it is. Made by image/
// from cage.toml, cage.lock and the image's configuration; read by the runtime at boot, by the platform at upload, by
// `cage diff`. Not for what is unmeasured (resources, addresses, values of secrets).
//
// On the wire: canonical CBOR ["cages/manifest", 1, {1: …, …, 21: …}], every key present, in ascending order, so that
// one policy has one spelling. parse_manifest accepts exactly what write_manifest writes.
//    1 name            text                          12 trusted headers  [text], lower case
//    2 command         [text], argv                  13 logs             [app, context, query], bools
//    3 environment     [[name, value], …]            14 secrets          [[name, delivery], …], names ascending
//    4 user            [uid, gid, [gid, …]]          15 auth             API key asked for, bool
//    5 workdir         text, absolute                16 decrypt          [public, [route, …]]
//    6 stop signal     uint, 1–64                    17 local API        token asked for, bool
//    7 port            uint, 1–65535                 18 legacy attestation  bool
//    8 TLS mode        uint                          19 restart policy   uint
//    9 client CAs      [PEM text]                    20 platform roots   [48 bytes], 1–4: SHA-384 of the root key's
//    SPKI
//   10 egress          [text], as in cage.toml       21 runtime variant  uint
//   11 health          [kind, path, port, interval in ms]
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace cages::wire {

enum class TlsMode : std::uint8_t { terminate = 0, passthrough = 1 };
enum class HealthKind : std::uint8_t { none = 0, tcp = 1, http = 2 };
enum class Delivery : std::uint8_t { file = 0, environment = 1 };
enum class Restart : std::uint8_t { never = 0, on_failure = 1, always = 2 };
enum class Variant : std::uint8_t { networked = 0, isolated = 1 };

struct Variable {
  std::string name;
  std::string value;
  friend bool operator==(const Variable&, const Variable&) = default;
};

// The image's USER, resolved in the image's own /etc/passwd and /etc/group when it was built.
struct User {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> groups;  // supplementary
  friend bool operator==(const User&, const User&) = default;
};

struct Health {
  HealthKind kind = HealthKind::none;
  std::string path;               // http: begins with "/"; else empty
  std::uint16_t port = 0;         // none: 0
  std::uint32_t interval_ms = 0;  // none: 0
  friend bool operator==(const Health&, const Health&) = default;
};

struct SecretName {
  std::string name;
  Delivery delivery = Delivery::file;
  friend bool operator==(const SecretName&, const SecretName&) = default;
};

using RootHash = std::array<Byte, 48>;

struct Manifest {
  std::string name;
  std::vector<std::string> command;  // argv, run by execve without a shell
  std::vector<Variable> environment;
  User user;
  std::string workdir = "/";
  std::uint8_t stop_signal = 15;
  std::uint16_t port = 0;
  TlsMode tls = TlsMode::terminate;
  std::vector<std::string> client_cas;
  std::vector<std::string> egress;
  Health health;
  std::vector<std::string> trusted_headers;
  bool log_app = false;      // the app's output leaves the cage
  bool log_context = false;  // one record a request leaves the cage
  bool log_query = false;    // … with its query string
  std::vector<SecretName> secrets;
  bool api_key = false;
  bool decrypt_public = false;
  std::vector<std::string> decrypt_routes;
  bool local_api_token = false;
  bool legacy_attestation = false;
  Restart restart = Restart::on_failure;
  std::vector<RootHash> platform_roots;
  Variant variant = Variant::networked;

  friend bool operator==(const Manifest&, const Manifest&) = default;
};

// Where the manifest lies in ramdisk 1.
inline constexpr std::string_view kManifestPath = "cage/manifest";

// parse_manifest reads the canonical form. Failure: CBOR's own codes on bad CBOR, MESSAGE_TYPE or MESSAGE_VERSION for
// another message, MANIFEST (subject = the member) for a value out of its bounds, LIMIT above kManifestBytesMax.
// untrusted: anybody may have written it.
Result<Manifest> parse_manifest(ByteView bytes);

// write_manifest writes the canonical form; MANIFEST (subject = the member) where parse_manifest would refuse the
// result.
Result<Bytes> write_manifest(const Manifest& manifest);

// valid_cage_name: [a-z][a-z0-9-]{0,31} (interfaces: NAMES).
bool valid_cage_name(std::string_view name);
// valid_variable_name: [A-Za-z_][A-Za-z0-9_]{0,127}; secrets are named so too, which keeps them one path component.
bool valid_variable_name(std::string_view name);

// Words for people, JSON and `cage diff`.
std::string_view to_text(TlsMode mode);
std::string_view to_text(HealthKind kind);
std::string_view to_text(Delivery delivery);
std::string_view to_text(Restart restart);
std::string_view to_text(Variant variant);

}  // namespace cages::wire
