// SPDX-License-Identifier: Apache-2.0
// Project: what cage.toml says (docs/guide/cage-toml.md), and Lock: what cage.lock records. Texts to types and back; no
// I/O. For cli/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "wire/manifest.h"

namespace cages::image {

enum class ImageSource : std::uint8_t { dockerfile, oci, docker_archive, rootfs };

struct Project {
  std::string name;
  ImageSource source = ImageSource::dockerfile;
  std::string source_path = "Dockerfile";  // relative to cage.toml
  std::string kernel;                      // path; empty: look for one
  std::optional<std::vector<std::string>> command;
  std::vector<wire::Variable> environment;  // adds to the image's, or replaces
  std::optional<std::string> user;
  std::optional<std::string> workdir;
  std::optional<std::uint16_t> port;
  wire::TlsMode tls = wire::TlsMode::terminate;
  std::vector<std::string> client_ca_files;
  std::vector<std::string> egress;  // as written: other scripts than ASCII are for the caller to turn into A-labels
  wire::Variant variant = wire::Variant::isolated;  // networked where there is an [egress], empty or not
  std::optional<std::string> health_path;
  std::optional<std::uint32_t> health_interval_ms;
  bool log_app = false;
  bool log_context = false;
  bool log_query = false;
  std::vector<std::string> trusted_headers;
  std::optional<std::uint64_t> memory_mib;
  std::optional<std::uint64_t> cpus;
  std::string signing_certificate;  // path; empty: unsigned
  std::string signing_key;
  std::vector<wire::SecretName> secrets;  // ascending
  bool api_key = false;
  bool decrypt_public = false;
  std::vector<std::string> decrypt_routes;
  std::string runtime_version;
  bool local_api_token = false;
  bool legacy_attestation = false;
};

// parse_project: TOML on bad syntax, TOML_KEY for unknown keys and wrong values (with the line), SECRET_NAME for a
// secret with a name that no secret may have.
Result<Project> parse_project(std::string_view toml);
// project_template is the commented cage.toml that `cage init` writes.
std::string project_template(std::string_view name);

struct Lock {
  std::string platform_url;           // empty: none chosen
  std::vector<wire::RootHash> roots;  // at most 4
  std::uint64_t counter = 0;          // of the last release; 0: none built
  std::int64_t not_after = 0;         // Unix seconds; its statement holds no longer
  std::string pcr0;                   // what that release measured, hexadecimal
  friend bool operator==(const Lock&, const Lock&) = default;
};

// parse_lock: LOCK where it is not as write_lock writes it.
Result<Lock> parse_lock(std::string_view toml);
std::string write_lock(const Lock& lock);

// parse_root_hash: 96 hexadecimal digits; LOCK else.
Result<wire::RootHash> parse_root_hash(std::string_view text);

}  // namespace cages::image
