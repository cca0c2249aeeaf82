// SPDX-License-Identifier: Apache-2.0
// The JSON documents of container images, and what is made of them.
#include "image/health.h"
#include "image/oci.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cages::image;
  const cages::ByteView json(data, size);
  if (const auto index = parse_index(json)) (void)choose_manifest(*index, "amd64");
  (void)parse_oci_manifest(json);
  (void)parse_docker_manifest(json);
  const auto config = parse_image_config(json);
  if (config && config->healthcheck) (void)recognise_probe(*config->healthcheck);
  return 0;
}
