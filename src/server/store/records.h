// SPDX-License-Identifier: Apache-2.0
// What caged knows: the rows of its database as types. For server/; no I/O here.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "wire/token.h"

namespace cages::server {

using wire::Id;
using crypto::Digest256;
using crypto::Digest384;

// Whose evidence counts for a deployment (design §3, §4): "nitro", "nitro-debug", or "development:" and the root's SHA-256. Secrets,
// app keys and CA belong to a class.
inline constexpr std::string_view kClassNitro = "nitro";
inline constexpr std::string_view kClassNitroDebug = "nitro-debug";
inline constexpr std::string_view kClassDevelopmentPrefix = "development:";

// rolling: starting; live: serving; draining: another version took over or the operator released it; ended: drained, and no host
// runs it any more; revoked: lease ended.
enum class DeploymentState : std::uint8_t { rolling, live, draining, ended, revoked };
std::string_view to_text(DeploymentState state);
std::optional<DeploymentState> deployment_state(std::string_view text);

struct App {
  std::string id;  // app_[0-9a-f]{12}
  std::string name;
  std::int64_t floor = 0;  // versions below it never run again
  std::vector<Digest384> signers;  // PCR8; empty: any, or none
};

// One key pair of an app's for encrypted values.
struct EngineKey {
  std::string app;
  std::string curve;  // "p256" or "secp256k1"
  std::int64_t version = 0;
  std::array<Byte, 33> public_point{};  // compressed
  Bytes wrapped;
  std::int64_t created = 0;
};

struct Host {
  Id id{};
  std::string name;
  Digest256 key_hash{};  // SHA-256 of the certificate's SubjectPublicKeyInfo
  std::optional<Digest384> pcr3;  // of its instance, where enrolled for class nitro
  std::optional<Digest384> pcr4;
  bool revoked = false;
};

struct Enrolment {
  Id id{};
  Digest256 secret_hash{};
  std::string host_name;
  std::optional<Digest384> pcr3;
  std::optional<Digest384> pcr4;
  std::int64_t expires_at = 0;
  bool used = false;
};

struct Deployment {
  Id id{};
  std::string app;
  std::int64_t version = 0;
  std::string cage;
  std::string evidence_class;
  DeploymentState state = DeploymentState::rolling;
  std::vector<std::string> names;    // exact DNS names
  std::vector<std::string> secrets;  // names that its manifest asks for
  Digest256 image_sha256{};
  std::int64_t image_bytes = 0;
  Digest384 pcr0{};
  Digest384 pcr1{};
  Digest384 pcr2{};
  std::optional<Digest384> pcr8;
  std::int64_t memory_mib = 0;
  std::int64_t cpus = 0;
  std::optional<Id> host;
  std::string egress;  // its allow-list in canonical form; empty: nothing leaves
};

struct AuditEntry {
  std::int64_t id = 0;
  std::int64_t time = 0;  // Unix seconds
  std::string actor;      // "host:…", "key:…", "local"
  std::string action;     // "provision", "enrol", "secret.set", …
  std::string subject;
  std::string code;       // "ok" or an error class
  std::string detail;
};

}  // namespace cages::server
