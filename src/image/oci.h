// SPDX-License-Identifier: Apache-2.0
// The JSON documents of container images (OCI image specification 1.1; Docker image manifest v2 schema 2; `docker
// save`), bytes to types. No I/O. For load.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "image/blob.h"

namespace cages::image {

struct Descriptor {
  std::string media_type;
  Digest digest;
  std::uint64_t size = 0;
  std::string architecture;  // of a manifest in an index; empty where it does not say
  std::string os;
  [[nodiscard]] bool is_index() const;
  [[nodiscard]] bool is_manifest() const;
};

struct OciManifest {
  Descriptor config;
  std::vector<Descriptor> layers;
};

struct DockerManifest {
  std::string config;               // a name in the archive
  std::vector<std::string> layers;  // likewise, lowest first
};

// What the image says about how it is run.
struct Healthcheck {
  std::vector<std::string> test;  // {"CMD", …} | {"CMD-SHELL", line} | {"NONE"}
  std::int64_t interval_ns = 0;
};

struct ImageConfig {
  std::string architecture;  // as Go spells it: "amd64", "arm64"
  std::string os;
  std::vector<std::string> entrypoint;
  std::vector<std::string> cmd;
  std::vector<std::pair<std::string, std::string>> env;
  std::string user;
  std::string workdir;
  std::string stop_signal;
  std::vector<std::string> exposed_ports;  // "8080/tcp", ascending
  std::optional<Healthcheck> healthcheck;
  std::vector<Digest> diff_ids;
};

// untrusted: each reads one document of at most kImageJsonBytesMax bytes; IMAGE (subject: the member) where it is not
// as the specification says; IMAGE_LIMIT.
Result<std::vector<Descriptor>> parse_index(ByteView json);
Result<OciManifest> parse_oci_manifest(ByteView json);
// parse_docker_manifest: IMAGE where the archive holds another number of images than one.
Result<DockerManifest> parse_docker_manifest(ByteView json);
Result<ImageConfig> parse_image_config(ByteView json);

// choose_manifest picks from an index: the manifest of `architecture`, or the only one. IMAGE lists what there is.
Result<Descriptor> choose_manifest(const std::vector<Descriptor>& index, std::string_view architecture);

}  // namespace cages::image
